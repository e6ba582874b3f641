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
from collections.abc import Sequence
from typing import Any, cast

from pydantic_core import from_json, to_json

from agentlab.backend import (
    JsonSchema,
    Settings,
    ToolSpec,
)
from agentlab.backends.asked import Asked
from agentlab.backends.call_ids import CallIds
from agentlab.backends.chat_stream import ChatDecoder
from agentlab.backends.clients import Options
from agentlab.backends.encoded import Encoded
from agentlab.backends.heads import blames_the_top, described, json_arguments, offer
from agentlab.backends.presets import Preset
from agentlab.backends.settings import sampling, wire_name
from agentlab.backends.signatures import unpack
from agentlab.backends.structured import (
    Mode,
    instructed,
    schema_name,
    strict,
)
from agentlab.errors import BadRequest, ConfigError
from agentlab.messages import Audio, Image, Message, Part, Reasoning, Text, ToolResult


class ChatDialect:
    """Chat Completions as one service speaks it."""

    path = "/chat/completions"

    def __init__(self, preset: Preset, model: str, options: Options) -> None:
        self._preset = preset
        self._model = model
        self._options = options
        self._encoded = Encoded(self._encode)
        self._ids = CallIds(preset.call_ids)
        self._counts = True
        self._folds = preset.folds

    def conversation(self, messages: Sequence[Message], words: str) -> bytes:
        """The messages."""
        sent = self._ids(instructed(messages, words) if words else messages)
        return b"".join((b',"messages":[', b",".join(map(self._encoded, sent)), b"]}"))

    def decoder(self, asked: Asked) -> ChatDecoder:
        """Reads one answer."""
        return ChatDecoder(asked)

    def relent(self, error: BadRequest) -> bool:
        """Older servers can't count tokens in a stream; some take only plain objects of a tool."""
        if self._counts and "stream_options" in str(error):
            self._counts = False
            return True
        if not self._folds and blames_the_top(error):
            self._folds = True
            return True
        return False

    def head(
        self,
        tools: Sequence[ToolSpec],
        settings: Settings,
        output: JsonSchema | None,
        mode: Mode | None,
    ) -> bytes:
        """A request up to the messages; see `Dialect.head`."""
        preset, names = self._preset, self._preset.settings
        fields: dict[str, Any] = {
            "model": self._model,
            "stream": True,
            **({"stream_options": {"include_usage": True}} if self._counts else {}),
            **preset.extra,
            **sampling(settings, names, preset.name),
            **self._options.extra,
        }
        if settings.logprobs:
            fields[wire_name("logprobs", names, preset.name)] = True
            fields["top_logprobs"] = settings.logprobs
        offered, choice = offer(tools, settings, output, mode)
        if output is not None and mode == "native":
            fields["response_format"] = _response_format(output)
        if offered:
            fields["tools"] = [_tool(tool, self._folds) for tool in offered]
            if choice in ("none", "required"):
                fields["tool_choice"] = choice
            elif choice != "auto":
                fields["tool_choice"] = {"type": "function", "function": {"name": choice}}
            if not settings.parallel_tool_calls:
                fields[wire_name("parallel_tool_calls", names, preset.name)] = False
        return to_json(fields)[:-1]

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
        calls: list[dict[str, Any]] = [
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
                original = cast(dict[str, Any], from_json(packed))
                fields.update(original.get("message", {}))
                for call in calls:
                    id = self._ids.originals.get(call["id"], call["id"])
                    call.update(original.get("calls", {}).get(id, {}))
        return fields


def _tool(tool: ToolSpec, folds: bool) -> dict[str, Any]:
    description, parameters = described(tool, folds=folds)
    function = {"name": tool.name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


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
