"""From MCP's values to ours: a server's tool becomes a `Tool`, its answer text and files."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from pydantic import RootModel, model_validator

from agentlab.display import one_line
from agentlab.errors import ToolError
from agentlab.tooling import Tool, ToolContext
from agentlab_tools.mcp.dialects import shown
from agentlab_tools.mcp.judge import BadSchema, Judge
from agentlab_tools.mcp.sieve import as_json, bad_schema

MAX_DESCRIPTION = 4000
MAX_FILE = 32 << 20

Call = Callable[[str, dict[str, Any], ToolContext], Coroutine[Any, Any, str]]
"""Calls a server's tool by the server's own name for it."""


def tool_from(
    listed: Any, name: str, call: Call, timeout: float, note: Callable[[str], None]
) -> Tool[Any]:
    """A tool that a server listed (`mcp.types.Tool`), under a name of ours.

    Args:
        note: is told in one line what of its schema can't be used.
    """
    theirs = str(listed.name)
    try:
        arguments, lost = arguments_from(dict(listed.input_schema))
        if lost:
            note(
                f"describes the arguments of {one_line(theirs, 60)!r} by a schema that refers to "
                f"{one_line(', '.join(lost), 120)}, which is not in it; that part is left open"
            )
    except BadSchema as error:
        note(bad_schema(theirs, str(error)))
        arguments, _ = arguments_from({"type": "object"})

    async def run(given: RootModel[dict[str, Any]], context: ToolContext) -> str:
        return await call(theirs, given.root, context)

    return Tool(
        name=name,
        description=(listed.description or listed.title or theirs)[:MAX_DESCRIPTION],
        arguments=arguments,
        run=run,
        timeout=timeout,
    )


def arguments_from(
    schema: Mapping[str, Any],
) -> tuple[type[RootModel[dict[str, Any]]], tuple[str, ...]]:
    """A model that takes what fits a JSON Schema and shows that schema, and what it lacks.

    The schema is read by the draft that its `$schema` names, and shown in the words of 2020-12.

    Raises:
        BadSchema: it is no JSON Schema.
    """
    judge = Judge(schema)
    words, lost = shown({"type": "object", "properties": {}, **schema}, judge.dialect)

    class Arguments(RootModel[dict[str, Any]]):
        @model_validator(mode="after")
        def _fits(self) -> Arguments:
            if problem := judge.problem(self.root):
                raise ValueError(problem)
            return self

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return words

    return Arguments, lost


def answer_from(result: Any, context: ToolContext) -> str:
    """The text of a `CallToolResult`; pictures, sounds and files in it are attached.

    Raises:
        ToolError: the server says that the call failed.
    """
    parts = [_part(content, context, number) for number, content in enumerate(result.content, 1)]
    structured = result.structured_content
    if structured is not None and not _says(result.content, structured):
        parts.append(as_json(structured))
    text = "\n".join(parts)
    if result.is_error:
        raise ToolError(text or "the server says that the call failed, and not why")
    return text or "done"


def resource_from(result: Any, context: ToolContext) -> str:
    """The text of a `ReadResourceResult`; what is no text is attached."""
    contents = enumerate(result.contents, 1)
    return "\n".join(_resource(one, context, number) for number, one in contents) or "it is empty"


def _says(content: list[Any], structured: dict[str, Any]) -> bool:
    """Whether the parts say the structured answer as text, as servers are asked to do too."""
    texts = [part.text for part in content if part.type == "text"]
    if texts and set(structured) == {"result"}:
        return True  # the SDK's wrap of a value that is no object
    # many servers wrap what their text says under a name: {"content": "…"}, {"entities": […]}
    values = [structured, *(structured.values() if len(structured) == 1 else ())]
    if "\n".join(texts) in values:
        return True
    for text in texts:
        try:
            if json.loads(text) in values:
                return True
        except (ValueError, RecursionError):
            continue
    return False


def _part(content: Any, context: ToolContext, number: int) -> str:
    match content.type:
        case "text":
            return str(content.text)
        case "image" | "audio":
            kind = content.mime_type.rpartition("/")[2].split("+")[0]
            return _attached(context, f"{content.type}-{number}.{kind}", content)
        case "resource_link":
            return f"[{content.name}: {content.uri}]"
        case "resource":
            return _resource(content.resource, context, number)
        case other:
            return f"[something of the kind {other!r}, which can't be shown]"


def _resource(resource: Any, context: ToolContext, number: int) -> str:
    if hasattr(resource, "text"):
        return f"[{resource.uri}]\n{resource.text}"
    name = str(resource.uri).rstrip("/").rpartition("/")[2] or f"resource-{number}"
    return _attached(context, name, resource)


def _attached(context: ToolContext, name: str, holder: Any) -> str:
    encoded = str(getattr(holder, "data", None) or getattr(holder, "blob", ""))
    if len(encoded) > MAX_FILE * 4 // 3:
        return f"[{name} is larger than {MAX_FILE >> 20} MB and was left out]"
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return f"[{name} could not be decoded and was left out]"
    media_type = holder.mime_type or "application/octet-stream"
    safe = re.sub(r"[^\w.-]+", "_", name)[-80:].lstrip(".") or "file"
    context.attach(safe, data, media_type)
    return f"[{safe}: {media_type}, {len(data):,} bytes, attached]"
