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
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.backends.anthropic_stream import REDACTED, SIGNED, MessagesDecoder
from agentlab.backends.asked import Asked
from agentlab.backends.call_ids import CallIds
from agentlab.backends.clients import Options
from agentlab.backends.encoded import Encoded
from agentlab.backends.heads import blames_the_top, described, json_arguments, offer
from agentlab.backends.presets import Preset
from agentlab.backends.settings import sampling, wire_name
from agentlab.backends.signatures import unpack
from agentlab.backends.structured import (
    Mode,
    SchemaUnfit,
    has_open_objects,
    instructed,
)
from agentlab.errors import BadRequest, ConfigError
from agentlab.messages import Image, Message, Part, Reasoning, Text, ToolCall, ToolResult

_MARK = b',"cache_control":{"type":"ephemeral"}'


class MessagesDialect:
    """The Messages protocol as one service speaks it."""

    path = "/v1/messages"

    def __init__(self, preset: Preset, model: str, options: Options) -> None:
        self._preset = preset
        self._model = model
        self._options = options
        self._encoded = Encoded(self._encode)
        self._ids = CallIds("[a-zA-Z0-9_-]{1,64}")
        self._folds = preset.folds

    def decoder(self, asked: Asked) -> MessagesDecoder:
        """Reads one answer."""
        return MessagesDecoder(asked)

    def relent(self, error: BadRequest) -> bool:
        """Some servers take only plain objects at the top of a tool's schema."""
        if self._folds or not blames_the_top(error):
            return False
        self._folds = True
        return True

    def conversation(self, messages: Sequence[Message], words: str) -> bytes:
        """Instructions and turns, with the cache marks."""
        if words:
            messages = instructed(messages, words)
        messages = self._ids(messages)
        first = 0
        while first < len(messages) and messages[first].role == "system":
            first += 1
        system = [text for text in map(_system_block, messages[:first]) if text]
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

    def head(
        self,
        tools: Sequence[ToolSpec],
        settings: Settings,
        output: JsonSchema | None,
        mode: Mode | None,
    ) -> bytes:
        """A request up to the instructions; see `Dialect.head`."""
        names = self._preset.settings
        fields: dict[str, Any] = {
            "model": self._model,
            "stream": True,
            **self._preset.extra,
            **self._options.extra,
            **sampling(settings, names, self._preset.name),
        }
        if settings.logprobs:
            raise ConfigError(
                f"{self._preset.name} does not take the setting logprobs here: leave it out"
            )
        offered, choice = offer(tools, settings, output, mode)
        if output is not None and mode == "native":
            form = {"type": "json_schema", "schema": _constraint(output)}
            fields["output_config"] = {**fields.get("output_config", {}), "format": form}
        if offered:
            fields["tools"] = [
                {"name": tool.name, "description": description, "input_schema": schema}
                for tool in offered
                for description, schema in [described(tool, folds=self._folds)]
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
                input = from_json(json_arguments(arguments))
                return {"type": "tool_use", "id": id, "name": name, "input": input}
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
    from anthropic import transform_schema

    return transform_schema(dict(output))
