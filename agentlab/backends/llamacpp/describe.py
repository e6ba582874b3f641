"""Tools in as few words as a small model needs: a line each, and one example.

add(x: integer, y: integer = 0): Add two numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from agentlab.backend import ToolSpec
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import ToolCall

_MOST_OPTIONS = 8
_LONGEST_LINE = 160


def tool_section(
    tools: Sequence[ToolSpec], format: Format, guard: Callable[[str], str] = str
) -> str:
    """The part of the system message that tells of the tools and how to call one.

    The example is built from the first tool's schema, with the example or default values found
    there, so that the exact form of a call is seen once before it has to be written. `guard` is
    applied to everything but the marks of the call.
    """
    lines = [guard(f"- {call_form(tool)}: {first_line(tool.description)}") for tool in tools]
    first = tools[0]
    arguments = guard(json_text(example_of(first.parameters)))
    example = ToolCall(id="", name=guard(first.name), arguments=arguments)
    return "\n".join(
        [
            "You can use these tools:",
            *lines,
            "To use a tool, write exactly in this form:",
            format.write([example]),
            "The result comes back"
            + ("" if format.learnt else " in <tool_response>")
            + ". Then answer the user.",
        ]
    )


def first_line(text: str) -> str:
    """The first sentence's line of a description, shortened."""
    line = text.strip().split("\n", 1)[0].strip()
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"


def call_form(tool: ToolSpec) -> str:
    """Name and arguments, as in `add(x: integer, y: integer = 0)`."""
    return f"{tool.name}({_fields(tool.parameters, tool.parameters, 0)})"


def example_of(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """A small value of the right shape: the schema's own example where it gives one."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    for key in ("examples", "enum", "anyOf", "oneOf"):
        options = cast(list[Any], schema.get(key) or [])
        if options:
            of_schema = key in ("anyOf", "oneOf")
            return example_of(options[0], root, depth + 1) if of_schema else options[0]
    for key in ("example", "const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    match _kind(schema):
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return [example_of(schema.get("items", {}), root, depth + 1)] if depth < 4 else []
        case "object":
            properties = cast(dict[str, Any], schema.get("properties", {}))
            required = cast(list[str], schema.get("required", list(properties)[:1]))
            needed = [name for name in properties if name in required] if depth < 4 else []
            return {name: example_of(properties[name], root, depth + 1) for name in needed}
        case _:
            return "..."


def _resolved(schema: Any, root: Any) -> Mapping[str, Any]:
    for _ in range(8):
        if not isinstance(schema, dict):
            return {}
        plain_schema = cast(dict[str, Any], schema)
        ref = plain_schema.get("$ref")
        if not isinstance(ref, str) or not ref.startswith("#"):
            return plain_schema
        target: Any = root
        for step in ref.split("/")[1:]:
            target = cast(dict[str, Any], target).get(step, {}) if isinstance(target, dict) else {}
        schema = {**target, **{key: value for key, value in plain_schema.items() if key != "$ref"}}
    return {}


def _type(schema: Any, root: Any, depth: int = 0) -> str:
    schema = _resolved(schema, root)
    options = cast(list[Any], schema.get("enum") or [])
    if options:
        alternatives = "|".join(json_text(option) for option in options[:_MOST_OPTIONS])
        return alternatives + ("|…" if len(options) > _MOST_OPTIONS else "")
    if "const" in schema:
        return json_text(schema["const"])
    parts = cast(list[Any], schema.get("anyOf") or schema.get("oneOf") or [])
    if parts and depth < 3:
        return "|".join(dict.fromkeys(_type(part, root, depth + 1) for part in parts))
    kinds: Any = schema.get("type")
    if isinstance(kinds, list):
        return "|".join(cast(list[str], kinds))
    kind = _kind(schema)
    if kind == "array":
        return f"{_type(schema.get('items', {}), root, depth + 1)}[]" if depth < 3 else "any[]"
    if kind == "object" and schema.get("properties") and depth < 3:
        return f"{{{_fields(schema, root, depth + 1)}}}"
    return kind


def _kind(schema: Mapping[str, Any]) -> str:
    """The JSON type of a resolved schema; the first where it names several, `any` without one."""
    kind: Any = schema.get("type", "object" if "properties" in schema else "any")
    return str(cast(list[Any], kind)[0] if isinstance(kind, list) else kind)


def _fields(schema: Mapping[str, Any], root: Any, depth: int) -> str:
    """The properties of an object, as in `x: integer, y: integer = 0, z: string?`."""
    properties = cast(dict[str, Any], schema.get("properties", {}))
    required = set(cast(list[str], schema.get("required", [])))
    fields: list[str] = []
    for name, declared in properties.items():
        field = _resolved(declared, root)
        text = f"{name}: {_type(field, root, depth)}"
        if "default" in field:
            text += f" = {json_text(field['default'])}"
        elif name not in required:
            text += "?"
        fields.append(text)
    return ", ".join(fields)
