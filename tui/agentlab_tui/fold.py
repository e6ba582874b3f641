"""A trace folded into the rows of a timeline: pure values, drawn elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentlab.cli.render import call_text
from agentlab.display import one_line
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
    StoredEvent,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.messages import Message
from agentlab.trace import Record

_LONG = 300


@dataclass(frozen=True)
class Row:
    """One line of a timeline.

    Attributes:
        at: seconds since the run's first record.
        took: seconds since the record before; None where a record has several rows.
        style: a theme colour, e.g. `$success`.
        message: the one message of the opening conversation that this row stands for.
    """

    record: Record
    at: float
    took: float | None
    mark: str
    style: str
    text: str
    message: Message | None = None


def rows_of(records: Iterable[Record]) -> Iterator[Row]:
    """The rows of a run, in order."""
    begun: float | None = None
    before = 0.0
    for record in records:
        begun = record.at if begun is None else begun
        at = record.at - begun
        took: float | None = max(0.0, at - before)
        before = at
        if isinstance(record.event, RunStarted):
            for message in record.event.messages:
                mark, style, text = _message(message)
                yield Row(record, at, took, mark, style, text, message)
                took = None
        else:
            mark, style, text = _line(record.event)
            yield Row(record, at, took, mark, style, text)


def _line(event: StoredEvent | UnknownEvent) -> tuple[str, str, str]:
    match event:
        case ModelReplied(reply=reply):
            calls = ", ".join(call_text(call) for call in reply.message.tool_calls)
            said = one_line(reply.message.text, _LONG)
            return "»", "$primary", "  ".join(filter(None, (said, calls and f"asks for {calls}")))
        case ToolStarted(call=call):
            return "→", "$accent", call_text(call)
        case ToolFinished(result=result):
            said = one_line(result.content, _LONG)
            return (
                ("✘", "$error", f"{result.error}: {said}")
                if result.error
                else ("←", "$success", said)
            )
        case MessageAdded(message=message):
            return "↺", "$warning", one_line(message.text, _LONG)
        case ApprovalAsked(call=call):
            return "?", "$warning", f"may it call {call_text(call)}?"
        case ApprovalGiven(verdict=verdict, reason=reason):
            return "?", "$warning", one_line(f"{verdict} {reason}", _LONG)
        case HandedOff(agent=agent):
            return "⇢", "$secondary", f"{one_line(agent)} takes over"
        case LimitReached(limit=limit, allowed=allowed):
            return "!", "$warning", f"limit on {limit} reached ({allowed:g})"
        case RunResumed():
            return "▶", "$secondary", "resumed"
        case RunFinished(outcome=outcome):
            return "■", "$success" if outcome == "completed" else "$warning", outcome
        case RunFailed(error=error, message=message):
            return "■", "$error", f"{one_line(error)}: {one_line(message, _LONG)}"
        case RunStarted():
            return "▶", "$secondary", "started"
        case UnknownEvent(data=data):
            return "·", "$quiet", f"unknown to this version: {one_line(str(data), _LONG)}"


def _message(message: Message) -> tuple[str, str, str]:
    mark, style = {
        "system": ("§", "$quiet"),
        "user": ("❯", "$foreground"),
        "assistant": ("»", "$primary"),
        "tool": ("←", "$success"),
    }[message.role]
    said = [one_line(message.text, _LONG)]
    said += [f"asks for {call_text(call)}" for call in message.tool_calls]
    said += [one_line(p.content, _LONG) for p in message.parts if p.kind == "tool_result"]
    return mark, style, "  ".join(filter(None, said))
