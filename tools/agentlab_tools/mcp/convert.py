"""From MCP's values to ours: a server's tool becomes a `Tool`, its answer text and files."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, cast

from pydantic import RootModel, model_validator

from agentlab.errors import ToolError
from agentlab.tooling import Tool, ToolContext

MAX_NAME = 64
MAX_DESCRIPTION = 4000
MAX_FILE = 32 << 20

Call = Callable[[str, dict[str, Any], ToolContext], Coroutine[Any, Any, str]]
"""Calls a server's tool by the server's own name for it."""


def tool_from(listed: Any, name: str, call: Call, timeout: float) -> Tool[Any]:
    """A tool that a server listed (`mcp.types.Tool`), under a name of ours."""
    theirs = str(listed.name)
    arguments = arguments_from(dict(listed.input_schema))

    async def run(given: RootModel[dict[str, Any]], context: ToolContext) -> str:
        return await call(theirs, given.root, context)

    return Tool(
        name=name,
        description=(listed.description or listed.title or theirs)[:MAX_DESCRIPTION],
        arguments=arguments,
        run=run,
        timeout=timeout,
    )


def arguments_from(schema: Mapping[str, Any]) -> type[RootModel[dict[str, Any]]]:
    """A model that takes what fits a JSON Schema, and shows that very schema.

    A schema that is none takes any object: the server judges for itself as well.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    shown: dict[str, Any] = {"type": "object", "properties": {}, **schema}
    shown.pop("$schema", None)
    checker = cast(Any, Draft202012Validator)
    try:
        checker.check_schema(shown)
    except SchemaError:
        shown = {"type": "object", "properties": {}}
    # with an empty registry a reference to an address is an error, and never fetched
    validator = checker(shown, registry=cast(Any, Registry)())

    class Arguments(RootModel[dict[str, Any]]):
        @model_validator(mode="after")
        def _fits(self) -> Arguments:
            try:
                problem = next(validator.iter_errors(self.root), None)
            except (Unresolvable, RecursionError):
                return self
            if problem is not None:
                where = ".".join(map(str, problem.absolute_path))
                raise ValueError(f"{where}: {problem.message}" if where else problem.message)
            return self

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return shown

    return Arguments


def names_for(theirs: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Names that a model service takes, no two alike, by the server's own names."""
    names: dict[str, str] = {}
    for their in theirs:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{prefix}{their}").strip("_") or "tool"
        name, number = plain[:MAX_NAME], 1
        while name in names.values():
            number += 1
            name = f"{plain[: MAX_NAME - len(str(number)) - 1]}_{number}"
        names[their] = name
    return names


def answer_from(result: Any, context: ToolContext) -> str:
    """The text of a `CallToolResult`; pictures, sounds and files in it are attached.

    Raises:
        ToolError: the server says that the call failed.
    """
    parts = [_part(content, context, number) for number, content in enumerate(result.content, 1)]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(parts)
    if result.is_error:
        raise ToolError(text or "the server says that the call failed, and not why")
    return text or "done"


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
            resource = content.resource
            if hasattr(resource, "text"):
                return f"[{resource.uri}]\n{resource.text}"
            name = str(resource.uri).rstrip("/").rpartition("/")[2] or f"resource-{number}"
            return _attached(context, name, resource)
        case other:
            return f"[something of the kind {other!r}, which can't be shown]"


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
