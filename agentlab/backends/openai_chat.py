"""OpenAI's Chat Completions protocol, which nearly every service speaks.

    {"model": …, "messages": [{"role": "user", "content": "What is 6 * 7?"}], "stream": true, …}
    data: {"choices": [{"delta": {"content": "42"}, "finish_reason": null}]}

The reasoning of models that show it comes in a field of its own, under several names. Whatever a
service sends along to get it back (Gemini's thought signatures, OpenRouter's reasoning details) is
kept as the signature of a `Reasoning` part. This protocol does not say where among the text a past
call stood, so in the history that is sent a turn's text comes before its calls.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast

from pydantic_core import from_json, to_json

from agentlab.backend import (
    BackendIdentity,
    Delta,
    JsonSchema,
    Reply,
    Settings,
    ToolSpec,
)
from agentlab.backends.asked import Asked
from agentlab.backends.chat_stream import ChatDecoder
from agentlab.backends.clients import Options, openai_wire
from agentlab.backends.encoded import Encoded
from agentlab.backends.heads import Heads, choice_of, json_arguments
from agentlab.backends.presets import Preset
from agentlab.backends.settings import sampling, wire_name
from agentlab.backends.signatures import unpack
from agentlab.backends.structured import (
    ANSWER,
    Mode,
    Ways,
    answer_tool,
    in_words,
    instructed,
    schema_name,
    strict,
)
from agentlab.errors import ConfigError
from agentlab.messages import Audio, Image, Message, Part, Reasoning, Text, ToolResult


class OpenAIChat:
    """A model asked over Chat Completions.

    Args:
        preset: the service.
        model: as the service calls it.
        key: the API key; empty for a service that needs none.
        options: retries, timeouts, limits, prices, more fields and headers.

    Raises:
        MissingExtra: the `openai` package is not installed.
    """

    def __init__(
        self, preset: Preset, model: str, key: str = "", options: Options | None = None
    ) -> None:
        options = options or Options()
        self._preset = preset
        self._model = model
        self._options = options
        self._wire = openai_wire(preset, model, key, options)
        self._ways = Ways(options.output or preset.output)
        self._encoded = Encoded(self._encode)
        self._heads = Heads(self._head)
        self._identity = BackendIdentity(
            name=f"{preset.name}:{model}",
            model=model,
            details={"protocol": "chat", "base_url": preset.base_url},
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
            head = self._heads(tools, settings, output, mode)
            said = list(messages)
            if mode == "prompt" and output is not None:
                lead = instructed(said, in_words(output))
                said = [lead, *(said[1:] if said and said[0].role == "system" else said)]
            body = b"".join((head, b",".join(map(self._encoded, said)), b"]}"))
            asked = Asked(
                self._preset, self._model, self._options, settings, mode, turn=len(messages)
            )
            return self._wire.ask("/chat/completions", body, lambda: ChatDecoder(asked))

        async with aclosing(self._ways.ask(output, ask)) as answer:
            async for item in answer:
                yield item

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    def _head(
        self,
        tools: Sequence[ToolSpec],
        settings: Settings,
        output: JsonSchema | None,
        mode: Mode | None,
    ) -> bytes:
        """A request up to the messages."""
        preset, names = self._preset, self._preset.settings
        fields: dict[str, Any] = {
            "model": self._model,
            "stream": True,
            "stream_options": {"include_usage": True},
            **preset.extra,
            **sampling(settings, names, preset.name),
            **self._options.extra,
        }
        if settings.logprobs:
            fields[wire_name("logprobs", names, preset.name)] = True
            fields["top_logprobs"] = settings.logprobs
        choice = choice_of(settings, tools)
        offered = list(tools)
        if output is not None and mode == "tool":
            offered.append(answer_tool(output))
            choice = "required" if tools else ANSWER
        elif output is not None and mode == "native":
            fields["response_format"] = _response_format(output)
        if offered:
            fields["tools"] = [_tool(tool) for tool in offered]
            if choice in ("none", "required"):
                fields["tool_choice"] = choice
            elif choice != "auto":
                fields["tool_choice"] = {"type": "function", "function": {"name": choice}}
            if not settings.parallel_tool_calls:
                fields[wire_name("parallel_tool_calls", names, preset.name)] = False
        return to_json(fields)[:-1] + b',"messages":['

    def _encode(self, message: Message) -> bytes:
        match message.role:
            case "system":
                return to_json({"role": "system", "content": message.text})
            case "user":
                return to_json({"role": "user", "content": self._content(message.parts)})
            case "assistant":
                return to_json(self._assistant(message))
            case "tool":
                results = (part for part in message.parts if isinstance(part, ToolResult))
                return b",".join(
                    to_json({"role": "tool", "tool_call_id": r.call_id, "content": r.content})
                    for r in results
                )

    def _content(self, parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
        if all(isinstance(part, Text) for part in parts):
            return "".join(part.text for part in parts if isinstance(part, Text))
        return [self._content_part(part) for part in parts]

    def _content_part(self, part: Part) -> dict[str, Any]:
        match part:
            case Text(text=text):
                return {"type": "text", "text": text}
            case Image(media_type=media_type, blob=blob):
                data = base64.b64encode(blob.read()).decode()
                return {
                    "type": "image_url",
                    "image_url": {"url": f"data:{media_type};base64,{data}"},
                }
            case Audio(media_type=media_type, blob=blob):
                data = base64.b64encode(blob.read()).decode()
                return {
                    "type": "input_audio",
                    "input_audio": {"data": data, "format": audio_format(media_type)},
                }
            case _:
                raise ConfigError(f"a {part.kind} part can't be in a user's message")

    def _assistant(self, message: Message) -> dict[str, Any]:
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json_arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
        fields: dict[str, Any] = {
            "role": "assistant",
            "content": message.text or (None if calls else ""),
        }
        if calls:
            fields["tool_calls"] = calls
        thoughts = [part for part in message.parts if isinstance(part, Reasoning)]
        if self._preset.reasoning_field and thoughts:
            fields[self._preset.reasoning_field] = "".join(part.text for part in thoughts)
        for thought in thoughts:
            packed = unpack(self._preset.name, thought.signature)
            if packed is not None:
                kept = cast(dict[str, Any], from_json(packed))
                fields.update(kept.get("message", {}))
                for call in calls:
                    call.update(kept.get("calls", {}).get(call["id"], {}))
        return fields


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def _response_format(output: JsonSchema) -> dict[str, Any]:
    closed = strict(output)
    schema = {
        "name": schema_name(output),
        "schema": dict(output) if closed is None else closed,
        "strict": closed is not None,
    }
    return {"type": "json_schema", "json_schema": schema}


def audio_format(media_type: str) -> str:
    """What the OpenAI protocols call a kind of sound.

    Raises:
        ConfigError: it is neither WAV nor MP3.
    """
    kind = media_type.removeprefix("audio/").removeprefix("x-")
    formats = {"wav": "wav", "wave": "wav", "vnd.wave": "wav", "mp3": "mp3", "mpeg": "mp3"}
    if kind not in formats:
        raise ConfigError(f"audio must be WAV or MP3, not {media_type}")
    return formats[kind]
