"""What attributes of OpenTelemetry spans say, as our values: messages, calls, tools, settings.

Spans come from strangers: whatever is missing or malformed becomes the nearest value that loses no
words, and nothing here raises.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

from pydantic import ValidationError
from pydantic_core import to_json

from agentlab.backend import Settings, ToolSpec
from agentlab.export.otlp_json import ReadSpan
from agentlab.messages import (
    Audio,
    Blob,
    Image,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

_ROLES: tuple[Role, ...] = get_args(Role)


def plain_id(id: str) -> str:
    """An id's hexadecimal digits alone: it becomes part of a file's name."""
    return "".join(c for c in id.lower() if c in "0123456789abcdef")


def plain_name(name: str) -> str:
    """A name's letters and digits alone, to tell whether two spellings mean one."""
    return "".join(c for c in name.lower() if c.isalnum())


def call_of(span: ReadSpan) -> ToolCall:
    """The call that a tool's span tells of; the span's id where it has none of its own."""
    arguments = span.attributes.get("gen_ai.tool.call.arguments", "{}")
    return ToolCall(
        id=span.text("gen_ai.tool.call.id") or span.span_id,
        name=span.text("gen_ai.tool.name") or "unknown",
        arguments=arguments if isinstance(arguments, str) else to_json(arguments).decode(),
    )


def messages_of(raw: object) -> tuple[Message, ...]:
    """The messages of `gen_ai.input.messages` and its like; a role we don't know is the user's.

    Some services write a turn of the model, or the results of its calls, as a message for each
    part, and some write results in the user's name: here they are one message, in the tools' name.
    """
    joined: list[Message] = []
    for message in _objects(raw):
        sent_as = cast(Any, message.get("role"))
        role: Role = sent_as if sent_as in _ROLES else "user"
        for own, parts in _apart(role, parts_of(message.get("parts"))):
            last = joined[-1] if joined else None
            if last is not None and last.role == own and own in ("assistant", "tool"):
                joined[-1] = Message(role=own, parts=(*last.parts, *parts))
            else:
                joined.append(Message(role=own, parts=parts))
    return tuple(joined)


def _apart(role: Role, parts: tuple[Part, ...]) -> Iterator[tuple[Role, tuple[Part, ...]]]:
    """The parts in whose name they are: results of calls are the tools'."""
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    if results:
        yield "tool", results
    others = tuple(part for part in parts if not isinstance(part, ToolResult))
    if others or not results:
        yield ("user" if role == "tool" and others else role), others


def parts_of(raw: object) -> tuple[Part, ...]:
    """The parts of one message. One of a kind we don't know becomes text that names the kind."""
    return tuple(_part(part) for part in _objects(raw))


def _part(raw: Mapping[str, Any]) -> Part:
    kind = raw.get("type")
    match kind:
        case "text":
            return Text(text=_words(raw.get("content")))
        case "reasoning" | "thinking":
            return Reasoning(text=_words(raw.get("content")))
        case "tool_call":
            raw_arguments = raw.get("arguments")
            arguments = (
                raw_arguments
                if isinstance(raw_arguments, str)
                else to_json(raw_arguments or {}).decode()
            )
            return ToolCall(
                id=_words(raw.get("id")), name=_words(raw.get("name")), arguments=arguments
            )
        case "tool_call_response":
            answer = raw.get("response", raw.get("result"))
            return ToolResult(call_id=_words(raw.get("id")), content=_words(answer))
        case "blob":
            return _blob(raw) or Text(text=f"[{_words(raw.get('modality'))}]")
        case _:
            return Text(text=f"[{_words(kind)}]" + _words(raw.get("uri") or raw.get("content")))


def _blob(raw: Mapping[str, Any]) -> Part | None:
    try:
        blob = Blob.of(base64.b64decode(_words(raw.get("content")), validate=True))
    except binascii.Error:
        return None
    kinds = {"image": Image, "audio": Audio}
    media_type = kinds.get(_words(raw.get("modality")))
    try:
        return (
            media_type(media_type=_words(raw.get("mime_type")), blob=blob) if media_type else None
        )
    except ValidationError:
        return None


def _words(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value).decode()


def tools_of(raw: object) -> Iterator[ToolSpec]:
    """The tools that `gen_ai.tool.definitions` names, but for those that are invalid."""
    for tool in _objects(raw):
        try:
            yield ToolSpec(
                name=tool.get("name", ""),
                description=tool.get("description") or "",
                parameters=tool.get("parameters") or {},
            )
        except ValidationError:
            continue


def settings_of(chat: ReadSpan) -> Settings:
    """What a reply was asked for with; the defaults where a span's values are none we allow."""
    names = ("temperature", "top_p", "top_k", "max_tokens", "seed")
    settings = {name: chat.attributes.get(f"gen_ai.request.{name}") for name in names}
    try:
        return Settings.model_validate({k: v for k, v in settings.items() if v is not None})
    except ValidationError:
        return Settings()


def _objects(raw: object) -> list[Mapping[str, Any]]:
    items = cast(list[object], raw) if isinstance(raw, list) else []
    return [cast(Mapping[str, Any], item) for item in items if isinstance(item, dict)]
