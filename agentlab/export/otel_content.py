"""What was said in a run, in the form the GenAI conventions give to messages.

    [{"role": "user", "parts": [{"type": "text", "content": "What is 6 * 7?"}]},
     {"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "calculator",
                                      "arguments": {"expression": "6 * 7"}}]}]

The schemas are `gen-ai-input-messages.json` and its siblings in the OpenTelemetry semantic
conventions for generative AI.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from pydantic_core import from_json, to_json

from agentlab.backend import Reply, Stop, ToolSpec
from agentlab.errors import TraceError
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

Json = dict[str, Any]

FINISH: dict[Stop, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "tool_calls": "tool_call",
    "length": "length",
    "repetition": "error",
    "filtered": "content_filter",
}
"""Why a reply ended, in the words of the conventions."""


def system_instructions(messages: Iterable[Message]) -> str:
    """The instructions a conversation opened with, as a JSON list of parts."""
    return _json([_part(p) for m in messages if m.role == "system" for p in m.parts])


def conversation(messages: Iterable[Message]) -> str:
    """All turns but the instructions, as JSON."""
    return _json([_message(message) for message in messages if message.role != "system"])


def output(reply: Reply) -> str:
    """The one message of a reply, as JSON."""
    return _json([{**_message(reply.message), "finish_reason": FINISH[reply.stop]}])


def definitions(tools: Iterable[ToolSpec]) -> str:
    """The tools that were offered, as JSON."""
    return _json([{"type": "function", **tool.model_dump(mode="json")} for tool in tools])


def _message(message: Message) -> Json:
    return {"role": message.role, "parts": [_part(part) for part in message.parts]}


def _part(part: Part) -> Json:
    match part:
        case Text(text=text):
            return {"type": "text", "content": text}
        case Reasoning(text=text):
            return {"type": "reasoning", "content": text}
        case ToolCall(id=id, name=name, arguments=arguments):
            return {"type": "tool_call", "id": id, "name": name, "arguments": _arguments(arguments)}
        case ToolResult(call_id=id, content=content):
            return {"type": "tool_call_response", "id": id, "response": content}
        case Image(media_type=media_type, blob=blob):
            return _blob("image", media_type, blob)
        case Audio(media_type=media_type, blob=blob):
            return _blob("audio", media_type, blob)


def _blob(modality: str, media_type: str, blob: Blob) -> Json:
    try:
        data = base64.b64encode(blob.read()).decode()
    except TraceError as error:  # the spans are worth having without it
        return {"type": "missing", "modality": modality, "why": str(error)}
    return {"type": "blob", "modality": modality, "mime_type": media_type, "content": data}


def _arguments(raw: str) -> object:
    try:
        return from_json(raw)
    except ValueError:  # a malformed call is shown as the model wrote it
        return raw


def _json(value: list[Json]) -> str:
    return to_json(value, inf_nan_mode="null").decode()
