"""Everything that can happen in a run.

Events are what a run *is*: the loop emits them, the trace stores them, the terminal shows them,
and a run's state is nothing but the fold of its events (`Transcript`), which is why any run can be
resumed, replayed and forked. Clocks and record numbers live in the record around an event, so the
events of two equal runs compare equal.

    run_started → (model_replied → (tool_started → tool_finished)*)* → run_finished | run_failed

Deltas (`text_delta`, `reasoning_delta`, `tool_call_delta`, `tool_output`) are shown, never stored:
what they add up to is in the event that follows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Field

from agentlab.backend import ReasoningDelta, Reply, TextDelta, ToolCallDelta
from agentlab.messages import Message, ToolCall, ToolResult, Value, Words

Outcome: TypeAlias = Literal["completed", "limit", "paused", "cancelled"]
"""How a run finished: with its output; at a limit, with what was reached by then; waiting for an
approval; or stopped from outside."""


class RunStarted(Value):
    """The conversation the run starts from: instructions, history and the new input."""

    kind: Literal["run_started"] = "run_started"
    messages: tuple[Message, ...]


class RunResumed(Value):
    """The run goes on after a pause or a crash."""

    kind: Literal["run_resumed"] = "run_resumed"


class ModelReplied(Value):
    """The model's whole reply, with its usage: the only event that carries usage."""

    kind: Literal["model_replied"] = "model_replied"
    reply: Reply


class MessageAdded(Value):
    """The loop itself adds a message, e.g. to ask for an output that fits its type."""

    kind: Literal["message_added"] = "message_added"
    message: Message


class ToolStarted(Value):
    """A tool begins to work on a call."""

    kind: Literal["tool_started"] = "tool_started"
    call: ToolCall


class ToolOutput(Value):
    """A tool says something while it works."""

    kind: Literal["tool_output"] = "tool_output"
    call_id: str
    text: Words


class ToolFinished(Value):
    """A call has its result."""

    kind: Literal["tool_finished"] = "tool_finished"
    result: ToolResult


class ApprovalAsked(Value):
    """A call waits for a person's word."""

    kind: Literal["approval_asked"] = "approval_asked"
    call: ToolCall


class ApprovalGiven(Value):
    """A call was allowed or denied."""

    kind: Literal["approval_given"] = "approval_given"
    call_id: str
    verdict: Literal["allow", "deny"]
    reason: Words = ""


class HandedOff(Value):
    """Another agent takes over the conversation."""

    kind: Literal["handed_off"] = "handed_off"
    agent: str
    instructions: str


class LimitReached(Value):
    """A budget is spent; the run ends with what it has."""

    kind: Literal["limit_reached"] = "limit_reached"
    limit: Literal["steps", "tokens", "seconds", "tool_calls", "cost", "repeats"]
    allowed: float


class RunFinished(Value):
    """The end of a run that was not an error. `output` is plain JSON data."""

    kind: Literal["run_finished"] = "run_finished"
    outcome: Outcome
    output: Any = None


class RunFailed(Value):
    """The end of a run that could not go on."""

    kind: Literal["run_failed"] = "run_failed"
    error: str
    """The error's class, e.g. `ContextOverflow`."""
    message: Words


class UnknownEvent(Value):
    """An event kind this version does not know, kept as it was."""

    kind: Literal["unknown"] = "unknown"
    data: dict[str, Any]


StoredEvent: TypeAlias = Annotated[
    RunStarted
    | RunResumed
    | ModelReplied
    | MessageAdded
    | ToolStarted
    | ToolFinished
    | ApprovalAsked
    | ApprovalGiven
    | HandedOff
    | LimitReached
    | RunFinished
    | RunFailed,
    Field(discriminator="kind"),
]
"""What a trace holds."""
LiveEvent = TextDelta | ReasoningDelta | ToolCallDelta | ToolOutput
"""What is shown as it happens, and adds up to the stored event that follows."""
Event: TypeAlias = StoredEvent | LiveEvent

STORED_KINDS = frozenset(
    kind.model_fields["kind"].default for kind in get_args(get_args(StoredEvent)[0])
)
