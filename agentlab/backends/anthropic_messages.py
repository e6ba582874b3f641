"""Anthropic's Messages protocol.

    {"model": …, "max_tokens": …, "system": […], "messages": [{"role": "user", "content": […]}], …}
    event: content_block_delta
    data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "42"}}

Prompt caching: the end of the instructions is marked, and the end of the last two turns that are
not the model's. The mark on the last turn writes the history to the cache; the one before it is
where the previous step wrote it, so that step's entry is found again however many blocks this step
added. (The service looks back only 20 blocks from a mark by itself.)
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from pydantic_core import from_json, to_json

from agentlab.backend import BackendIdentity, Delta, JsonSchema, Reply, Settings, ToolSpec
from agentlab.backends.anthropic_stream import REDACTED, SIGNED, MessagesDecoder
from agentlab.backends.asked import Asked
from agentlab.backends.clients import Options, anthropic_wire
from agentlab.backends.encoded import Encoded
from agentlab.backends.heads import Heads, choice_of, json_arguments
from agentlab.backends.presets import Preset
from agentlab.backends.settings import sampling, wire_name
from agentlab.backends.signatures import unpack
from agentlab.backends.structured import (
    ANSWER,
    Mode,
    SchemaUnfit,
    Ways,
    answer_tool,
    has_open_objects,
    in_words,
    instructed,
)
from agentlab.errors import ConfigError
from agentlab.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult

_MARK = b',"cache_control":{"type":"ephemeral"}'
_PATH = "/v1/messages"


class AnthropicMessages:
    """A model asked over the Messages protocol.

    Args:
        preset: the service.
        model: as the service calls it.
        key: the API key; empty for a service that needs none.
        options: retries, timeouts, limits, prices, more fields and headers.

    Raises:
        MissingExtra: the `anthropic` package is not installed.
    """

    def __init__(
        self, preset: Preset, model: str, key: str = "", options: Options | None = None
    ) -> None:
        options = options or Options()
        self._preset = preset
        self._model = model
        self._options = options
        self._wire = anthropic_wire(preset, model, key, options)
        self._ways = Ways(options.output or preset.output)
        self._encoded = Encoded(self._encode)
        self._heads = Heads(self._head)
        self._identity = BackendIdentity(
            name=f"{preset.name}:{model}",
            model=model,
            details={"protocol": "anthropic", "base_url": preset.base_url},
        )

    @property
    def identity(self) -> BackendIdentity:
        """The service, the model, the protocol and the address."""
        return self._identity

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        settings: Settings = Settings(),
        output: JsonSchema | None = None,
    ) -> AsyncGenerator[Delta | Reply]:
        """Ask the service; see `Backend.stream`.

        Raises:
            BackendError: the service did not answer, or not wholly.
            ConfigError: it lacks a setting that is set, or does not know the model.
        """

        def ask(mode: Mode | None) -> AsyncGenerator[Delta | Reply]:
            body = self._heads(tools, settings, output, mode) + self._conversation(
                messages, in_words(output) if mode == "prompt" and output is not None else ""
            )
            asked = Asked(
                self._preset, self._model, self._options, settings, mode, turn=len(messages)
            )
            return self._wire.ask(_PATH, body, lambda: MessagesDecoder(asked))

        async with aclosing(self._ways.ask(output, ask)) as answer:
            async for item in answer:
                yield item

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    def _conversation(self, messages: Sequence[Message], words: str) -> bytes:
        """The rest of a request: instructions and turns, with the cache marks."""
        first = 0
        while first < len(messages) and messages[first].role == "system":
            first += 1
        leading = [instructed(messages, words)] if words else messages[:first]
        system = [text for text in map(_system_block, leading) if text]
        turns = list(map(self._encoded, messages[first:]))
        marks = 0
        for place in range(len(turns) - 1, -1, -1):
            if marks == 2:
                break
            if turns[place] and messages[first + place].role in ("user", "tool"):
                # a turn ends in `}]}`, and the mark belongs inside its last block
                turns[place] = turns[place][:-3] + _MARK + turns[place][-3:]
                marks += 1
        parts = [b',"messages":[', b",".join(filter(None, turns)), b"]}"]
        if system:
            system[-1] = system[-1][:-1] + _MARK + b"}"
            parts[:0] = [b',"system":[', b",".join(system), b"]"]
        return b"".join(parts)

    def _head(
        self,
        tools: Sequence[ToolSpec],
        settings: Settings,
        output: JsonSchema | None,
        mode: Mode | None,
    ) -> bytes:
        """A request up to the instructions."""
        names = self._preset.settings
        fields: dict[str, Any] = {
            "model": self._model,
            "stream": True,
            **self._preset.extra,
            **self._options.extra,
            **sampling(settings, names, self._preset.name),
        }
        if settings.logprobs:
            wire_name("logprobs", names, self._preset.name)
        choice = choice_of(settings, tools)
        offered = list(tools)
        if output is not None and mode == "tool":
            offered.append(answer_tool(output))
            choice = "required" if tools else ANSWER
        elif output is not None and mode == "native":
            form = {"type": "json_schema", "schema": _constraint(output)}
            fields["output_config"] = {**fields.get("output_config", {}), "format": form}
        if offered:
            fields["tools"] = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.parameters,
                }
                for tool in offered
            ]
            fields["tools"][-1]["cache_control"] = {"type": "ephemeral"}
            named = {"auto": "auto", "none": "none", "required": "any"}
            how: dict[str, Any] = (
                {"type": named[choice]} if choice in named else {"type": "tool", "name": choice}
            )
            if not settings.parallel_tool_calls and choice != "none":
                how[wire_name("parallel_tool_calls", names, self._preset.name)] = True
            if how != {"type": "auto"}:
                fields["tool_choice"] = how
        return to_json(fields)[:-1]

    def _encode(self, message: Message) -> bytes:
        blocks = [block for part in message.parts if (block := self._block(part)) is not None]
        if not blocks:
            return b""  # the service refuses empty turns
        role = "user" if message.role == "tool" else message.role
        return to_json({"role": role, "content": blocks})

    def _block(self, part: Part) -> dict[str, Any] | None:
        match part:
            case Text(text=text):
                return {"type": "text", "text": text} if text.strip() else None
            case Image(media_type=media_type, blob=blob):
                data = base64.b64encode(blob.read()).decode()
                source = {"type": "base64", "media_type": media_type, "data": data}
                return {"type": "image", "source": source}
            case ToolCall(id=id, name=name, arguments=arguments):
                given = from_json(json_arguments(arguments))
                return {"type": "tool_use", "id": id, "name": name, "input": given}
            case ToolResult(call_id=call_id, content=content, error=error):
                block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id}
                if content:
                    block["content"] = content
                if error is not None:
                    block["is_error"] = True
                return block
            case Reasoning(text=text, signature=signature):
                return self._thought(text, unpack(self._preset.name, signature))
            case _:
                raise ConfigError(
                    f"{self._preset.name} takes no {part.kind}: use a model that does, "
                    "or write down what it says"
                )

    def _thought(self, text: str, signature: str | None) -> dict[str, Any] | None:
        if signature is None:
            return None  # another service's thoughts, which this one refuses
        if signature.startswith(REDACTED):
            return {"type": "redacted_thinking", "data": signature.removeprefix(REDACTED)}
        return {
            "type": "thinking",
            "thinking": text,
            "signature": signature.removeprefix(SIGNED),
        }


def _system_block(message: Message) -> bytes:
    return to_json({"type": "text", "text": message.text}) if message.text.strip() else b""


def _constraint(output: JsonSchema) -> dict[str, Any]:
    """The schema as far as the service can constrain to it; the rest becomes description.

    Raises:
        SchemaUnfit: it has objects with names that are not known beforehand.
    """
    if has_open_objects(output):
        raise SchemaUnfit
    from anthropic import transform_schema  # noqa: PLC0415 - takes most of a second

    return transform_schema(dict(output))
