"""LlamaIndex's messages as ours, and our replies as its responses.

Pictures and sounds are taken as bytes or from a file; an address on the network is refused, since
nothing here fetches.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    ContentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic_core import from_json, to_json

from agentlab.backend import Delta, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from agentlab.errors import ConfigError
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

_ROLES: dict[MessageRole, Role] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}


def to_ours(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """A conversation in our messages.

    Instructions that follow one another become one message, and so do the results of one turn.

    Raises:
        ConfigError: a message holds something that has no place in ours.
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


def _message(message: ChatMessage) -> Message:
    role = _ROLES[message.role]
    parts = [_part(block, n) for n, block in enumerate(message.blocks, 1)]
    if role in ("system", "tool"):
        for part in parts:
            if not isinstance(part, Text):
                raise ConfigError(f"a {role} message is text here, and this one holds {part.kind}")
    text = "".join(part.text for part in parts if isinstance(part, Text))
    if role == "system":
        return Message.system(text)
    if role == "tool":
        call_id = message.additional_kwargs.get("tool_call_id")
        if not isinstance(call_id, str):
            raise ConfigError(
                "a tool's result names no call: give tool_call_id as additional_kwargs"
            )
        return Message.results([ToolResult(call_id=call_id, content=text)])
    return Message(role=role, parts=tuple(parts))


def _part(block: ContentBlock, number: int) -> Part:
    match block:
        case TextBlock():
            return Text(text=block.text)
        case ThinkingBlock():
            signature = block.additional_information.get("signature")
            return Reasoning(text=block.content or "", signature=signature)
        case ToolCallBlock():
            given = block.tool_kwargs
            return ToolCall(
                id=block.tool_call_id or f"call_{number}",
                name=block.tool_name,
                arguments=given if isinstance(given, str) else to_json(given).decode(),
            )
        case ImageBlock():
            data = _bytes(block.image, block.path, block.url)
            media_type = block.image_mimetype or "image/png"
            return Image(media_type=media_type, blob=Blob.of(data))
        case AudioBlock():
            data = _bytes(block.audio, block.path, block.url)
            kind = {"mp3": "mpeg"}.get(block.format or "wav", block.format or "wav")
            return Audio(media_type=f"audio/{kind}", blob=Blob.of(data))
        case _:
            raise ConfigError(
                f"a message holds a block of {block.block_type!r}, which no model here takes"
            )


def _bytes(held: Any, path: Path | None, url: object) -> bytes:
    """The bytes of a picture or a sound: held as base64, as a file, or in a `data:` address."""
    if isinstance(held, bytes):
        return base64.b64decode(held)
    if held is not None:
        held.seek(0)
        return cast(bytes, held.read())
    if path is not None:
        return path.read_bytes()
    head, _, encoded = str(url).partition(",")
    if head.startswith("data:") and head.endswith(";base64"):
        return base64.b64decode(encoded)
    raise ConfigError(f"a message holds a file at {str(url)[:80]}: send its bytes")


def response_of(reply: Reply, delta: str | None = None) -> ChatResponse:
    """A whole reply. `raw` is the reply itself; `additional_kwargs` count its tokens."""
    usage = reply.usage
    return ChatResponse(
        message=ChatMessage(role=MessageRole.ASSISTANT, blocks=list(_blocks(reply.message))),
        raw=reply,
        delta=delta,
        additional_kwargs={
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
            "finish_reason": reply.stop,
        },
    )


def _blocks(message: Message) -> Iterator[ContentBlock]:
    for part in message.parts:
        match part:
            case Text(text=text):
                yield TextBlock(text=text)
            case Reasoning(text=text, signature=signature):
                sealed = {} if signature is None else {"signature": signature}
                yield ThinkingBlock(content=text, additional_information=sealed)
            case ToolCall(id=id, name=name, arguments=arguments):
                yield _call(id, name, arguments)
            case _:
                pass


def _call(id: str, name: str, arguments: str) -> ToolCallBlock:
    """A call; arguments that are no JSON object stay the text they are."""
    try:
        given: object = from_json(arguments.strip() or "{}")
    except ValueError:
        given = arguments
    kwargs = cast(dict[str, Any], given) if isinstance(given, dict) else arguments
    return ToolCallBlock(tool_call_id=id, tool_name=name, tool_kwargs=kwargs)


class SoFar:
    """The responses of a stream: each holds all that was said so far, and its own `delta`."""

    def __init__(self) -> None:
        self._blocks: list[ContentBlock] = []
        self._arguments: dict[str, str] = {}

    def of(self, item: Delta | Reply) -> ChatResponse:
        """The response after a delta; after the reply, the whole of it."""
        match item:
            case Reply():
                return response_of(item, delta="")
            case TextDelta(text=text):
                last = self._blocks[-1] if self._blocks else None
                if isinstance(last, TextBlock):
                    self._blocks[-1] = TextBlock(text=last.text + text)
                else:
                    self._blocks.append(TextBlock(text=text))
                return self._response(text)
            case ReasoningDelta(text=text):
                last = self._blocks[-1] if self._blocks else None
                if isinstance(last, ThinkingBlock):
                    self._blocks[-1] = ThinkingBlock(content=(last.content or "") + text)
                else:
                    self._blocks.append(ThinkingBlock(content=text))
                return self._response("", thinking_delta=text)
            case ToolCallDelta(id=id, name=name, arguments=arguments):
                known = id in self._arguments
                self._arguments[id] = self._arguments.get(id, "") + arguments
                made = _call(id, name, self._arguments[id])
                if not known:
                    self._blocks.append(made)
                else:
                    self._blocks = [
                        made if isinstance(b, ToolCallBlock) and b.tool_call_id == id else b
                        for b in self._blocks
                    ]
                return self._response("")

    def _response(self, delta: str, **more: Any) -> ChatResponse:
        message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[*self._blocks])
        return ChatResponse(message=message, delta=delta, additional_kwargs=more)
