"""Random messages and events, for properties that must hold of all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from agentlab.backend import Reply, TokenInfo
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    ToolFinished,
    ToolStarted,
)
from agentlab.messages import (
    Artifact,
    Audio,
    Blob,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

words = st.text(max_size=30)
any_text = st.text(alphabet=st.characters(), max_size=30)  # lone surrogates as well
blobs = st.binary(max_size=40).map(Blob.of)
tool_calls = st.builds(ToolCall, id=words, name=words, arguments=words)
artifacts = st.builds(Artifact, name=words, media_type=words, blob=blobs)
tool_results = st.builds(
    ToolResult,
    call_id=words,
    content=words,
    error=st.sampled_from([None, "timeout", "denied", "bad_arguments"]),
    artifacts=st.lists(artifacts, max_size=2).map(tuple),
)
parts = st.one_of(
    st.builds(Text, text=words),
    st.builds(Image, media_type=words, blob=blobs),
    st.builds(Audio, media_type=words, blob=blobs),
    st.builds(Reasoning, text=words, signature=st.none() | words),
    tool_calls,
    tool_results,
)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    parts=st.lists(parts, max_size=4).map(tuple),
)
counts = st.integers(0, 10**9)
usages = st.builds(
    Usage,
    input_tokens=counts,
    cached_tokens=counts,
    output_tokens=counts,
    cost=st.none() | st.floats(0, 100),
)
logprobs = st.floats(-1000, 0)
tokens = st.builds(
    TokenInfo,
    id=counts,
    text=words,
    logprob=logprobs,
    top=st.lists(st.tuples(words, logprobs), max_size=2).map(tuple),
    masked=st.none() | st.floats(0, 1),
)
replies = st.builds(
    Reply,
    message=messages,
    usage=usages,
    stop=st.sampled_from(["end", "tool_calls", "length", "filtered"]),
    token_ids=st.lists(counts, max_size=3).map(tuple),
    tokens=st.lists(tokens, max_size=2).map(tuple),
)
json_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)  # JSON has neither
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
events = st.one_of(
    st.builds(RunStarted, messages=st.lists(messages, max_size=3).map(tuple)),
    st.just(RunResumed()),
    st.builds(ModelReplied, reply=replies),
    st.builds(MessageAdded, message=messages),
    st.builds(ToolStarted, call=tool_calls),
    st.builds(ToolFinished, result=tool_results),
    st.builds(ApprovalAsked, call=tool_calls),
    st.builds(
        ApprovalGiven, call_id=words, verdict=st.sampled_from(["allow", "deny"]), reason=words
    ),
    st.builds(HandedOff, agent=words, instructions=words),
    st.builds(LimitReached, limit=st.sampled_from(["steps", "cost"]), allowed=st.floats(0, 1e9)),
    st.builds(RunFinished, outcome=st.sampled_from(["completed", "paused"]), output=json_data),
    st.builds(RunFailed, error=words, message=words),
)
