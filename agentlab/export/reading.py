"""A trace as a reader takes it in: replies with their calls, each call with what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from agentlab.backend import Reply
from agentlab.events import (
    ApprovalGiven,
    ModelReplied,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.messages import ToolCall, ToolResult
from agentlab.trace import Trace


@dataclass
class CallRead:
    """A call, and what came of it. Times are seconds since the run began."""

    call: ToolCall
    begun: float | None = None
    done: float | None = None
    result: ToolResult | None = None
    approval: ApprovalGiven | None = None

    @property
    def failed(self) -> bool:
        """It has an error, or never came to an end."""
        return self.result is None or self.result.error is not None


@dataclass
class ReplyRead:
    """A reply of the model, and its calls, in its order."""

    number: int
    asked: float
    replied: float
    reply: Reply
    calls: list[CallRead] = field(default_factory=list[CallRead])


@dataclass
class NoteRead:
    """Anything else that happened."""

    at: float
    event: StoredEvent | UnknownEvent


@dataclass(frozen=True)
class Reading:
    """A run, read."""

    items: tuple[ReplyRead | NoteRead, ...]
    length: float
    """Seconds."""

    @property
    def asked(self) -> str:
        """What the user said last, before the model spoke."""
        for item in self.items:
            if isinstance(item, NoteRead) and isinstance(item.event, RunStarted):
                users = [m.text for m in item.event.messages if m.role == "user"]
                return users[-1] if users else ""
        return ""

    @property
    def replies(self) -> Iterator[ReplyRead]:
        """The replies, in order."""
        return (item for item in self.items if isinstance(item, ReplyRead))


def reading(trace: Trace) -> Reading:
    """Put a run's events together."""
    items: list[ReplyRead | NoteRead] = []
    calls: dict[str, CallRead] = {}
    before = number = 0
    before = 0.0
    for record in trace.records:
        # no clock of a stranger's file may run backwards, or to infinity
        at = min(max(record.at - trace.header.created, before), 1e9)
        at = before if at != at else at  # noqa: PLR0124 - not a number
        event = record.event
        match event:
            case ModelReplied(reply=reply):
                number += 1
                calls = {call.id: CallRead(call) for call in reply.message.tool_calls}
                items.append(ReplyRead(number, before, at, reply, list(calls.values())))
            case ToolStarted(call=call):
                if call.id in calls:
                    calls[call.id].begun = at
            case ToolFinished(result=result):
                if result.call_id in calls:
                    calls[result.call_id].result = result
                    calls[result.call_id].done = at
            case ApprovalGiven(call_id=id):
                if id in calls:
                    calls[id].approval = event
            case _:  # whatever it is: `agentlab.described` says it, or has nothing to say
                items.append(NoteRead(at, event))
        before = at
    return Reading(items=tuple(items), length=before)


def duration(seconds: float) -> str:
    """A length of time, short: `0.4 ms`, `12 ms`, `3.20 s`, `4 min 05 s`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.00095 else f"{seconds * 1000:.1f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest:02d} s"
