"""LangChain's messages as ours. The way back is in `replies`.

Pictures and sounds are taken as bytes (base64, or a `data:` address); an address on the network is
refused, since nothing here fetches. A message's `name` is left out: ours have none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic_core import to_json

from agentlab.errors import ConfigError
from agentlab.messages import (
    Audio,
    Blob,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)


def to_ours(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """A conversation in our messages.

    Instructions that follow one another become one message, and so do the results of one turn.

    Raises:
        ConfigError: a message is of a kind, or holds something, that has no place in ours.
    """
    ours: list[Message] = []
    for message in messages:
        made = _message(message)
        if ours and made.role == ours[-1].role == "tool":
            ours[-1] = Message(role="tool", parts=(*ours[-1].parts, *made.parts))
        elif ours and made.role == ours[-1].role == "system":
            ours[-1] = Message.system(f"{ours[-1].text}\n\n{made.text}")
        else:
            ours.append(made)
    return tuple(ours)


def _message(message: BaseMessage) -> Message:
    match message:
        case SystemMessage():
            return Message.system(_text(message, "instructions are"))
        case HumanMessage():
            return Message(role="user", parts=tuple(_parts(message)))
        case AIMessage():
            return Message(role="assistant", parts=tuple(_said(message)))
        case ToolMessage():
            text = _text(message, "a tool's result is")
            error = "tool_error" if message.status == "error" else None
            result = ToolResult(call_id=message.tool_call_id, content=text, error=error)
            return Message.results([result])
        case ChatMessage(role="user" | "assistant" as role):
            return Message(role=role, parts=tuple(_parts(message)))
        case ChatMessage(role="system"):
            return Message.system(_text(message, "instructions are"))
        case _:
            kind = type(message).__name__
            raise ConfigError(
                f"{kind} has no place in a conversation with this model: use system, human, AI and "
                "tool messages"
            )


def _parts(message: BaseMessage) -> Iterator[Part]:
    for block in _blocks(message):
        yield _part(block)


def _said(message: AIMessage) -> Iterator[Part]:
    """What a model said: its calls where they stand among its words, or else after them."""
    calls = {call["id"]: call for call in message.tool_calls}
    broken = {call["id"]: call for call in message.invalid_tool_calls}
    made: set[str | None] = set()
    for block in _blocks(message):
        match block["type"]:
            case "tool_call" | "invalid_tool_call":
                made.add(block.get("id"))
                yield _call(block, len(made))
            case "reasoning":
                signature = block.get("extras", {}).get("signature")
                yield Reasoning(text=block.get("reasoning", ""), signature=signature)
            case "text" | "image" | "audio":
                yield _part(block)
            case _:  # another service's own way to write calls and thoughts, which stand elsewhere
                pass
    for key, call in (*calls.items(), *broken.items()):
        if key not in made:
            made.add(key)
            yield _call(cast(Mapping[str, Any], call), len(made))


def _call(call: Mapping[str, Any], number: int) -> ToolCall:
    arguments = call["args"]
    return ToolCall(
        id=call.get("id") or f"call_{number}",
        name=call["name"] or "",
        # what could not be parsed is kept as the model wrote it
        arguments=arguments if isinstance(arguments, str) else to_json(arguments or {}).decode(),
    )


def _blocks(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message.content, str):
        text = [{"type": "text", "text": message.content}] if message.content else []
        return cast(list[dict[str, Any]], text)
    return cast(list[dict[str, Any]], message.content_blocks)


def _part(block: Mapping[str, Any]) -> Part:
    match block["type"]:
        case "text" | "text-plain" if "text" in block:
            return Text(text=block["text"])
        case "image":
            media_type, data = _bytes(block, "image/png")
            return Image(media_type=media_type, blob=Blob.of(data))
        case "audio":
            media_type, data = _bytes(block, "audio/wav")
            return Audio(media_type=media_type, blob=Blob.of(data))
        case kind:
            if kind == "non_standard":
                kind = block.get("value", {}).get("type", kind)
            raise ConfigError(f"a message holds {kind!r}, which no model here takes")


def _text(message: BaseMessage, what: str) -> str:
    parts = [_part(block) for block in _blocks(message) if block["type"] != "tool_call"]
    for part in parts:
        if not isinstance(part, Text):
            raise ConfigError(f"{what} text here, and this one holds an {part.kind}")
    return "".join(part.text for part in parts if isinstance(part, Text))


def _bytes(block: Mapping[str, Any], usual: str) -> tuple[str, bytes]:
    """The media type and the bytes of a picture or a sound."""
    encoded, media_type = block.get("base64"), block.get("mime_type") or usual
    address = str(block.get("url") or "")
    if encoded is None and address.startswith("data:"):
        head, _, encoded = address.partition(",")
        media_type = head.removeprefix("data:").removesuffix(";base64") or media_type
    if encoded is None:
        where = f"at {address[:80]}" if address else "in a service's own store"
        raise ConfigError(f"a message holds a file {where}: send its bytes, as base64")
    try:
        return media_type, base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"a message holds {media_type} whose base64 can't be read") from None
