"""What each event says to a person: one mark, one tone and one sentence for it, everywhere.

Terminal, screen and page map the tones to colours of their own, and add what they have room for.
A new kind of event is described here, and shows in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from pydantic_core import from_json

from agentlab.backend import Reply, Stop
from agentlab.display import one_line, safe
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    Outcome,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from agentlab.messages import Message, ToolCall, ToolResult

Tone: TypeAlias = Literal["quiet", "user", "model", "call", "good", "warn", "bad", "turn"]
"""How a line is meant; who draws it chooses the colour."""

STOPS: Mapping[Stop, str] = {
    "length": "cut off: out of tokens",
    "repetition": "stopped: it was repeating itself",
    "filtered": "withheld by the provider",
}
"""Ends of a reply that a reader has to know of."""

OUTCOMES: Mapping[Outcome, str] = {
    "completed": "completed",
    "limit": "stopped at a limit",
    "paused": "waits for approval",
    "cancelled": "cancelled",
}


@dataclass(frozen=True)
class Line:
    """One line of what happened, safe to show.

    Attributes:
        more: longer words that belong to it, for those who have room: instructions, a trace's data.
    """

    mark: str
    tone: Tone
    text: str
    more: str = ""


def lines_of(event: Event | UnknownEvent, most: int | None = 160) -> tuple[Line, ...]:
    """What a recorded event says; several lines for the opening of a run, none for live deltas.

    Args:
        most: characters of a text on its line; None shows all of it, on as many as it has.
    """
    match event:
        case RunStarted(messages=messages):
            return tuple(message_line(message, most) for message in messages)
        case ModelReplied(reply=reply):
            text = _cut(reply.message.text, most)
            words = (Line("»", "model", text),) if text else ()
            return (*words, Line("·", "quiet", _spent(reply)))
        case ToolStarted(call=call):
            return (Line("→", "call", call_text(call)),)
        case ToolFinished(result=result):
            return (_result(result, most),)
        case ApprovalAsked(call=call):
            return (Line("?", "warn", f"may it call {call_text(call)}?"),)
        case _:
            note = note_of(event, most)
            return () if note is None else (note,)


def note_of(event: Event | UnknownEvent, most: int | None = None) -> Line | None:
    """What an event says between the turns of a conversation; None for the turns themselves."""
    match event:
        case ModelReplied(reply=reply) if reply.stop in STOPS:
            return Line("!", "warn", STOPS[reply.stop])
        case ApprovalGiven(verdict=verdict, reason=reason):
            tone: Tone = "good" if verdict == "allow" else "warn"
            return Line("?", tone, f"{verdict} {_cut(reason, most)}".rstrip())
        case HandedOff(agent=agent, instructions=instructions):
            return Line("⇢", "turn", f"{one_line(agent)} takes over", safe(instructions))
        case MessageAdded(message=message):
            return Line("↺", "warn", _cut(message.text, most))
        case LimitReached(limit=limit, allowed=allowed):
            return Line("!", "warn", f"limit on {limit.replace('_', ' ')} reached ({allowed:g})")
        case RunResumed():
            return Line("▶", "turn", "resumed")
        case RunFinished(outcome=outcome):
            tone = "good" if outcome == "completed" else "warn"
            return Line("■", tone, OUTCOMES[outcome])
        case RunFailed(error=error, message=message):
            return Line("■", "bad", f"{one_line(error)}: {_cut(message, most)}")
        case UnknownEvent(data=data):
            kind = one_line(str(data.get("kind")), 60)
            return Line("·", "quiet", f"{kind}: unknown to this version", _cut(str(data), most))
        case _:
            return None


def message_line(message: Message, most: int | None = 160) -> Line:
    """One message of a conversation that was said before."""
    mark, tone = _ROLES[message.role]
    phrases = [_cut(message.text, most)]
    phrases += [f"asks for {call_text(call)}" for call in message.tool_calls]
    phrases += [_cut(part.content, most) for part in message.parts if part.kind == "tool_result"]
    return Line(mark, tone, "  ".join(filter(None, phrases)))


def call_text(call: ToolCall) -> str:
    """A call as one would write it: `calculator(expression="6 * 7")`."""
    name = one_line(call.name)
    try:
        arguments: object = from_json(call.arguments or "{}")
        if isinstance(arguments, Mapping):
            fields = cast(Mapping[str, Any], arguments)
            return f"{name}({', '.join(f'{one_line(k)}={_value(v)}' for k, v in fields.items())})"
    except ValueError:  # no JSON, or a number with thousands of digits
        pass
    return f"{name}({one_line(call.arguments)})"


_ROLES: Mapping[str, tuple[str, Tone]] = {
    "system": ("§", "quiet"),
    "user": ("❯", "user"),
    "assistant": ("»", "model"),
    "tool": ("←", "good"),
}


def _result(result: ToolResult, most: int | None) -> Line:
    files = "".join(f"  + {one_line(artifact.name)}" for artifact in result.artifacts)
    text = f"{result.error}: {result.content}" if result.error else result.content
    return Line(*(("✘", "bad") if result.error else _ROLES["tool"]), _cut(text, most) + files)


def _spent(reply: Reply) -> str:
    usage = reply.usage
    spent = f"{usage.input_tokens} in ({usage.cached_tokens} cached), {usage.output_tokens} out"
    return spent if reply.stop in ("end", "tool_calls") else f"{spent}, stopped: {reply.stop}"


def _value(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return one_line(text, 80)


def _cut(text: str, most: int | None) -> str:
    return safe(text) if most is None else one_line(text, most)
