"""OpenAI's Responses protocol, for the models that are not served over Chat Completions.

    {"model": …, "input": [{"type": "message", "role": "user", "content": "What is 6 * 7?"}], …}
    data: {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "42"}

Nothing is stored at the service: the whole conversation is sent every time, and with it the
encrypted reasoning of earlier steps, which the service hands out for that purpose.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.backends.asked import Asked
from agentlab.backends.call_ids import CallIds
from agentlab.backends.clients import Options
from agentlab.backends.encoded import Encoded
from agentlab.backends.heads import blames_the_top, described, json_arguments, offer
from agentlab.backends.presets import Preset
from agentlab.backends.responses_stream import ResponsesDecoder
from agentlab.backends.settings import sampling, wire_name
from agentlab.backends.signatures import unpack
from agentlab.backends.structured import (
    Mode,
    instructed,
    schema_name,
    strict,
)
from agentlab.errors import BadRequest, ConfigError
from agentlab.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult

_ENCRYPTED = "reasoning.encrypted_content"


class ResponsesDialect:
    """The Responses protocol as one service speaks it."""

    path = "/responses"

    def __init__(self, preset: Preset, model: str, options: Options) -> None:
        self._preset = preset
        self._model = model
        self._options = options
        self._encoded = Encoded(self._encode)
        self._ids = CallIds(".{1,64}")
        self._reasons = True
        self._folds = preset.folds

    def conversation(self, messages: Sequence[Message], words: str) -> bytes:
        """The items of the conversation."""
        sent = self._ids(instructed(messages, words) if words else messages)
        items = b",".join(filter(None, map(self._encoded, sent)))
        return b"".join((b',"input":[', items, b"]}"))

    def decoder(self, asked: Asked) -> ResponsesDecoder:
        """Reads one answer."""
        return ResponsesDecoder(asked)

    def relent(self, error: BadRequest) -> bool:
        """Models that don't reason refuse to be asked for it; some take only plain objects."""
        if self._reasons and "encrypted" in str(error).lower():
            self._reasons = False
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
        """A request up to the conversation; see `Dialect.head`."""
        preset, names = self._preset, self._preset.settings
        fields: dict[str, Any] = {"model": self._model, "stream": True, "store": False}
        if self._reasons:
            fields["include"] = [_ENCRYPTED]
        fields |= {**preset.extra, **sampling(settings, names, preset.name), **self._options.extra}
        if settings.logprobs:
            raise ConfigError(
                f"{preset.name} does not take the setting logprobs here: leave it out"
            )
        offered, choice = offer(tools, settings, output, mode)
        if output is not None and mode == "native":
            fields["text"] = {**fields.get("text", {}), "format": _format(output)}
        if offered:
            fields["tools"] = [_tool(tool, self._folds) for tool in offered]
            if choice in ("none", "required"):
                fields["tool_choice"] = choice
            elif choice != "auto":
                fields["tool_choice"] = {"type": "function", "name": choice}
            if not settings.parallel_tool_calls:
                fields[wire_name("parallel_tool_calls", names, preset.name)] = False
        return to_json(fields)[:-1]

    def _encode(self, message: Message) -> bytes:
        if message.role in ("system", "user"):
            content = self._content(message.parts)
            return to_json({"type": "message", "role": message.role, "content": content})
        items = (item for part in message.parts if (item := self._item(part)) is not None)
        return b",".join(map(to_json, items))

    def _content(self, parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
        if all(isinstance(part, Text) for part in parts):
            return "".join(part.text for part in parts if isinstance(part, Text))
        return [self._content_part(part) for part in parts]

    def _content_part(self, part: Part) -> dict[str, Any]:
        match part:
            case Text(text=text):
                return {"type": "input_text", "text": text}
            case Image(media_type=media_type, blob=blob):
                data = base64.b64encode(blob.read()).decode()
                url = f"data:{media_type};base64,{data}"
                return {"type": "input_image", "image_url": url, "detail": "auto"}
            case _:
                raise ConfigError(
                    f"{self._preset.name} takes no {part.kind} over the Responses protocol: "
                    "use a model that is asked over Chat Completions"
                )

    def _item(self, part: Part) -> dict[str, Any] | None:
        match part:
            case Text(text=text):
                output = {"type": "output_text", "text": text, "annotations": list[str]()}
                return {"type": "message", "role": "assistant", "content": [output]}
            case ToolCall(id=id, name=name, arguments=arguments):
                return {
                    "type": "function_call",
                    "call_id": id,
                    "name": name,
                    "arguments": json_arguments(arguments),
                }
            case ToolResult(call_id=call_id, content=content):
                return {"type": "function_call_output", "call_id": call_id, "output": content}
            case Reasoning(signature=signature):
                item = unpack(self._preset.name, signature)
                return None if item is None else from_json(item)
            case _:
                raise ConfigError(f"a {part.kind} part can't be in a model's message")


def _tool(tool: ToolSpec, folds: bool) -> dict[str, Any]:
    description, parameters = described(tool, folds=folds)
    return {
        "type": "function",
        "name": tool.name,
        "description": description,
        "parameters": parameters,
        "strict": False,
    }


def _format(output: JsonSchema) -> dict[str, Any]:
    closed = strict(output)
    return {
        "type": "json_schema",
        "name": schema_name(output),
        "schema": dict(output) if closed is None else closed,
        "strict": closed is not None,
    }
