"""From our tools' answers to MCP's: text and files, and data where a tool returns data."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from agentlab.messages import Artifact, ToolCall, ToolResult
from agentlab.tooling.tools import Tool, ToolContext, shorten

_WHOLE = 16 << 20


def output_schema(tool: Tool[Any]) -> dict[str, Any] | None:
    """What a tool's structured answers are like: an object, or what it returns under `result`."""
    if tool.answers is None:
        return None
    if _is_object(tool.answers):
        return dict(tool.answers)
    inner = {key: value for key, value in tool.answers.items() if key != "$defs"}
    shared = {"$defs": tool.answers["$defs"]} if "$defs" in tool.answers else {}
    return {"type": "object", "properties": {"result": inner}, "required": ["result"], **shared}


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object"


async def answered(
    tool: Tool[Any], call: ToolCall, context: ToolContext
) -> tuple[ToolResult, dict[str, Any] | None]:
    """The result of a call, and the same as data where the tool returns data."""
    if tool.answers is None:
        return await tool.call(call, context), None
    result = await tool.with_(max_chars=_WHOLE).call(call, context)
    if result.error is not None:
        return result, None
    data: Any = result.content  # text where data was promised, or longer than whole
    with suppress(ValueError):
        data = json.loads(result.content)
    text = shorten(result.content, tool.max_chars, context)
    short = result.model_copy(update={"content": text, "artifacts": tuple(context.artifacts)})
    if _is_object(tool.answers) and isinstance(data, dict):
        return short, cast(dict[str, Any], data)
    return short, {"result": data}


def content_of(result: ToolResult, put: Callable[[Artifact], str]) -> list[Any]:
    """The text of a result and its files, as parts of an MCP answer; `put` gives addresses."""
    from mcp import types

    content: list[Any] = [types.TextContent(type="text", text=result.content)]
    content += [_attached(artifact, put) for artifact in result.artifacts]
    return content


def _attached(artifact: Artifact, put: Callable[[Artifact], str]) -> Any:
    from mcp import types

    data, kind = base64.b64encode(artifact.blob.read()).decode(), artifact.media_type
    if kind.startswith("image/"):
        return types.ImageContent(type="image", data=data, mime_type=kind)
    if kind.startswith("audio/"):
        return types.AudioContent(type="audio", data=data, mime_type=kind)
    contents = types.BlobResourceContents(uri=put(artifact), mime_type=kind, blob=data)
    return types.EmbeddedResource(type="resource", resource=contents)
