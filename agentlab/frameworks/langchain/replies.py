"""Our replies as LangChain's messages: whole, or chunk by chunk.

A reply of words alone has them as its content; where a model thinks, content is a list of blocks.
`response_metadata` says which model answered, why it stopped (`finish_reason`) and what it cost in
US dollars, where that is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic_core import from_json

from agentlab.backend import Delta, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from agentlab.messages import Message, Reasoning, Text, ToolCall, Usage

PROVIDER = "agentlab"


def result_of(reply: Reply, model: str) -> ChatResult:
    """A whole reply."""
    calls = [_call(call) for call in reply.message.tool_calls]
    message = AIMessage(
        content=_content(reply.message),
        tool_calls=[call for call in calls if call["type"] == "tool_call"],
        invalid_tool_calls=[call for call in calls if call["type"] == "invalid_tool_call"],
        usage_metadata=_usage(reply.usage),
        response_metadata=_metadata(reply, model),
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


class Chunks:
    """Makes the chunks of one reply, which add up to what `result_of` makes of it."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._calls: dict[str, int] = {}
        self._thoughts = -1
        self._thinking = False

    def of(self, item: Delta | Reply) -> Iterator[ChatGenerationChunk]:
        """The chunks of a delta, or, with the reply, the last ones."""
        match item:
            case TextDelta(text=text):
                self._thinking = False
                yield _chunk(text)
            case ReasoningDelta(text=text):
                if not self._thinking:
                    self._thinking, self._thoughts = True, self._thoughts + 1
                yield _chunk([_thought(text, self._thoughts)])
            case ToolCallDelta():
                self._thinking = False
                new = item.id not in self._calls
                index = self._calls.setdefault(item.id, len(self._calls))
                # names and ids of chunks are joined, so each is said once
                piece = tool_call_chunk(
                    name=item.name if new else None,
                    args=item.arguments,
                    id=item.id if new else None,
                    index=index,
                )
                yield _chunk("", tool_call_chunks=[piece])
            case Reply():
                yield from self._signatures(item.message)
                yield _chunk(
                    "",
                    usage_metadata=_usage(item.usage),
                    response_metadata=_metadata(item, self._model),
                    chunk_position="last",
                )

    def _signatures(self, message: Message) -> Iterator[ChatGenerationChunk]:
        """What a service wants back of a thought comes with the reply only."""
        thoughts = [part for part in message.parts if isinstance(part, Reasoning)]
        for index, thought in enumerate(thoughts):
            if thought.signature is not None:
                yield _chunk([{**_thought("", index), "extras": {"signature": thought.signature}}])


def _chunk(content: str | list[dict[str, Any]], **fields: Any) -> ChatGenerationChunk:
    message = AIMessageChunk(content=cast(Any, content), **fields)
    return ChatGenerationChunk(message=message)


def _thought(text: str, index: int) -> dict[str, Any]:
    return {"type": "reasoning", "reasoning": text, "index": index}


def _content(message: Message) -> Any:
    if not any(isinstance(part, Reasoning) for part in message.parts):
        return message.text
    blocks: list[str | dict[str, Any]] = []
    for part in message.parts:
        match part:
            case Text(text=text):
                blocks.append(text)
            case Reasoning(text=text, signature=signature):
                extras = {} if signature is None else {"extras": {"signature": signature}}
                blocks.append({"type": "reasoning", "reasoning": text, **extras})
            case _:
                pass
    return blocks


def _call(call: ToolCall) -> Any:
    try:
        arguments = from_json(call.arguments.strip() or "{}")
    except ValueError as error:
        return invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=str(error))
    if not isinstance(arguments, dict):
        why = "the arguments are no object"
        return invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=why)
    return tool_call(name=call.name, args=cast(dict[str, Any], arguments), id=call.id)


def _usage(usage: Usage) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_token_details={"cache_read": usage.cached_tokens},
    )


def _metadata(reply: Reply, model: str) -> dict[str, Any]:
    cost = {} if reply.usage.cost is None else {"cost": reply.usage.cost}
    named = {"model_name": model, "model_provider": PROVIDER, "finish_reason": reply.stop}
    return {**named, **cost}
