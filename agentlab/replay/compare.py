"""When two events are the same event, and how one is put in words.

What a provider makes up anew each time does not count: ids of calls (they are told apart by their
place), signatures, tokens and money spent. What the model said and what the tools answered counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from pydantic_core import from_json, to_json

from agentlab.events import Event, ModelReplied, UnknownEvent
from agentlab.messages import Message

Plain: TypeAlias = dict[str, Any]

_UNTOLD = ("usage", "token_ids", "tokens")


class Places:
    """Names the calls of a reply by where they stand in it: `#0`, `#1`, …"""

    def __init__(self) -> None:
        self.replies = 0
        """How many there were so far."""
        self._ids: dict[str, str] = {}

    def follow(self, event: Event | UnknownEvent) -> None:
        """Take note of the run's next event."""
        if isinstance(event, ModelReplied):
            self.replies += 1
            calls = event.reply.message.tool_calls
            self._ids = {call.id: f"#{i}" for i, call in enumerate(calls)}

    def of(self, id: str) -> str:
        """The place of the call with this id in the last reply; the id, if there is none."""
        return self._ids.get(id, id)


class Comparable:
    """Turns the events of one run, in order, into plain data that compares as described above."""

    def __init__(self) -> None:
        self._places = Places()

    def of(self, event: Event | UnknownEvent) -> Plain:
        """One event as plain data. The next one must be the run's next."""
        self._places.follow(event)
        data = event.model_dump(mode="json")
        if isinstance(event, ModelReplied):
            reply = data["reply"]
            for name in _UNTOLD:
                del reply[name]
            for part in reply["message"]["parts"]:
                part.pop("signature", None)
                if "id" in part:
                    part["id"] = self._places.of(part["id"])
        for holder in (data, data.get("result"), data.get("call")):
            for name in ("call_id", "id"):
                if isinstance(holder, dict) and name in holder:
                    fields = cast(Plain, holder)
                    fields[name] = self._places.of(fields[name])
        return data


def key(data: Plain) -> bytes:
    """Comparable data as bytes: equal where the data is."""
    return to_json(data, inf_nan_mode="constants")


def in_words(event: Event | UnknownEvent) -> tuple[str, ...]:
    """An event in lines that a person can read, and that `difflib` can compare."""
    data = event.model_dump(mode="json")
    kind = data.pop("kind")
    if isinstance(event, ModelReplied):
        return (f"{kind} ({event.reply.stop})", *_message(event.reply.message))
    if "messages" in data:
        messages: Sequence[Message] = getattr(event, "messages", ())
        return (kind, *(line for message in messages for line in _message(message)))
    if "message" in data and isinstance(data["message"], dict):
        return (kind, *_message(cast(Any, event).message))
    if "call" in data:
        return (f"{kind} {_call(data['call'])}",)
    return (kind, *(line for name, value in data.items() for line in _field(name, value)))


def _message(message: Message) -> Iterator[str]:
    for part in message.parts:
        fields = part.model_dump(mode="json")
        match part.kind:
            case "text" | "reasoning":
                mark = message.role if part.kind == "text" else "thinks"
                yield from _field(mark, part.text)
            case "tool_call":
                yield f"  → {_call(fields)}"
            case "tool_result":
                yield from _field(f"← {part.error or 'result'}", part.content)
            case _:
                yield f"  {part.kind} {fields['blob']['sha256'][:12]}"


def _call(call: Mapping[str, Any]) -> str:
    return f"{call['name']}({call['arguments']})"


def _field(name: str, value: object) -> Iterator[str]:
    """`name: value`, one line for each of the value's own."""
    if isinstance(value, Mapping):
        for inner, item in cast(Mapping[str, object], value).items():
            if item not in (None, [], {}, "") and inner not in ("kind", "call_id"):
                yield from _field(f"{name}.{inner}" if name != "result" else inner, item)
        return
    text = value if isinstance(value, str) else to_json(value, fallback=str).decode()
    first, *rest = text.split("\n")
    yield f"  {name}: {first}"
    yield from (f"    {line}" for line in rest)


def plain_arguments(arguments: str) -> object:
    """A call's arguments as data, however their JSON was laid out; as text where it is none."""
    try:
        return cast(object, from_json(arguments or "{}"))
    except ValueError:
        return arguments
