"""Short ways to say what a model says, and what must hold of every conversation and trace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentlab.agent.transcript import Transcript
from agentlab.events import RunFailed, RunFinished, RunStarted
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.trace import Trace


def call(name: str, /, id: str = "1", **arguments: object) -> ToolCall:
    """A well-formed call."""
    return ToolCall(id=id, name=name, arguments=json.dumps(arguments))


def calls(*made: ToolCall) -> Message:
    """A reply that makes these calls."""
    return Message.assistant(*made)


def results_in(messages: Sequence[Message]) -> list[ToolResult]:
    """All results, in order."""
    return [p for m in messages for p in m.parts if isinstance(p, ToolResult)]


def check_conversation(messages: Sequence[Message]) -> None:
    """Every call is answered by the very next message, in the order of the calls."""
    for i, message in enumerate(messages):
        if message.tool_calls:
            ids = [c.id for c in message.tool_calls]
            assert len(set(ids)) == len(ids)
            answer = messages[i + 1]
            assert answer.role == "tool"
            assert [r.call_id for r in results_in([answer])] == ids
        if message.role == "tool":
            assert messages[i - 1].tool_calls
        if message.role == "system":
            assert i == 0


def load(path: Any) -> Any:
    """The trace there; untyped, since a test knows which event it looks at."""
    return Trace.load(path)


def whole(path: Path | None) -> Any:
    """The trace there, which ends properly and holds a valid conversation."""
    assert path is not None
    trace = load(path)
    assert trace.torn == 0
    assert [record.seq for record in trace.records] == list(range(len(trace.records)))
    assert isinstance(trace.events[0], RunStarted)
    ends = [e for e in trace.events if isinstance(e, RunFinished | RunFailed)]
    resumed = [e for e in trace.events if e.kind == "run_resumed"]
    assert 1 <= len(ends) <= 1 + len(resumed)
    assert trace.events[-1] is ends[-1]
    state = Transcript.of(trace.events)
    if not (isinstance(state.end, RunFinished) and state.end.outcome == "paused"):
        assert state.waiting == []
        check_conversation(state.messages)
    return trace


def kinds(trace: Trace) -> list[str]:
    """What happened, by kind."""
    return [event.kind for event in trace.events]
