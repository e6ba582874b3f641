"""What a reply may look like, as one grammar made from the tools and the output schema.

free text                     no constraint
tool_choice="auto"            free text until a call is opened; from there on, calls only
tool_choice="required"/name   calls only, from the first character
output                        JSON only
tools and output              calls, or JSON
tool_choice="none"            free text in which no call can be opened
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.grammar import Compiled, compile_schema, composed
from agentlab.errors import ConfigError


@dataclass(frozen=True)
class Constraint:
    """A grammar, and when it begins to hold."""

    grammar: str | None
    """In the grammar library's language; None where the trigger itself is forbidden."""
    trigger: str | None = None
    """The text after which the grammar holds; None: from the first character."""
    at_start: bool = False
    """Whether the trigger counts only where the reply begins."""
    unenforced: tuple[str, ...] = ()
    """What of the schemas the grammar does not hold, as `tool/…pointer` or `/…pointer`."""


def constrain(
    format: Format,
    tools: Sequence[ToolSpec],
    settings: Settings,
    output: JsonSchema | None,
    *,
    undeclared: bool = False,
) -> Constraint | None:
    """The constraint for one request; None where the text is free. `undeclared`: as for a schema.

    Raises:
        ConfigError: the tool choice names no tool, or a schema can match nothing.
    """
    choice = settings.tool_choice
    names = [tool.name for tool in tools]
    if choice not in ("auto", "none", "required", *names):
        known = ", ".join(names) or "there are no tools"
        raise ConfigError(
            f"tool_choice {choice!r} is neither auto, none, required nor a tool: {known}"
        )
    if choice == "required" and not tools:
        raise ConfigError("tool_choice is 'required', but there are no tools")
    answer = None if output is None else compile_schema(output, undeclared=undeclared)
    if choice == "none" or not tools:
        if answer is not None:
            return Constraint(answer.grammar, unenforced=answer.unenforced)
        return Constraint(None, format.trigger, format.at_start) if tools else None
    chosen = tools if choice in ("auto", "required") else [t for t in tools if t.name == choice]
    compiled = [_arguments(tool, undeclared) for tool in chosen]
    unenforced = tuple(line for part in compiled for line in part.unenforced)
    several = settings.parallel_tool_calls
    if choice == "auto" and answer is None:
        grammar = _calls(format, chosen, compiled, several, written=format.trigger)
        return Constraint(grammar, format.trigger, format.at_start, unenforced)
    if answer is None or choice != "auto":
        return Constraint(_calls(format, chosen, compiled, several), unenforced=unenforced)
    grammar = _calls(format, chosen, compiled, several, answer=answer)
    return Constraint(grammar, unenforced=(*unenforced, *answer.unenforced))


def _arguments(tool: ToolSpec, undeclared: bool) -> Compiled:
    try:
        made = compile_schema({"type": "object", **tool.parameters}, undeclared=undeclared)
    except ConfigError as error:
        raise ConfigError(f"tool {tool.name}: {error}") from error
    return replace(made, unenforced=tuple(f"{tool.name}{line}" for line in made.unenforced))


def _calls(
    format: Format,
    tools: Sequence[ToolSpec],
    compiled: Sequence[Compiled],
    several: bool,
    *,
    written: str = "",
    answer: Compiled | None = None,
) -> str:
    """The grammar of one call or several, or of an answer.

    Args:
        several: whether more than one call may be made.
        written: how the first call begins in what has been written already.
        answer: what may be written in place of calls.
    """
    schemas: dict[str, Mapping[str, Any]] = {}
    # a call that begins with the bracket of a JSON object can't be told from an answer by its text,
    # so there both are alternatives of one schema
    as_object = answer is not None and not (format.start + format.open)

    def call(before: str) -> str:
        options: list[str] = []
        for index, (tool, part) in enumerate(zip(tools, compiled, strict=True)):
            schemas[f"tool{index}"] = part.schema
            head = (before + format.head(tool.name)).removeprefix(written)
            options.append(f"{_quoted(head)} @tool{index} {_quoted('}' + format.close)}")
        return " | ".join(options)

    lines: list[str] = []
    if as_object and answer is not None:
        calls = [_as_object(format, tool, part) for tool, part in zip(tools, compiled, strict=True)]
        schemas["first"] = _any_of([*calls, answer.schema])
        schemas["call"] = _any_of(calls)
        more = f" | @call ({_quoted(format.between)} @call)+" if several else ""
        lines.append(f"start: @first{more}")
    else:
        begin = f"start: first{' (' + _quoted(format.between) + ' next)*' if several else ''}"
        begin += f" {_quoted(format.finish)}" if format.finish else ""
        lines.append(begin + (" | @answer" if answer is not None else ""))
        lines.append(f"first: {call(format.start + format.open)}")
        written = ""
        if several:
            lines.append(f"next: {call(format.open)}")
        if answer is not None:
            schemas["answer"] = answer.schema
    return composed("\n".join(lines) + "\n", schemas)


def _as_object(format: Format, tool: ToolSpec, arguments: Compiled) -> Mapping[str, Any]:
    fields = {"name": {"const": tool.name}, format.arguments: arguments.schema}
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
        "x-guidance": arguments.schema.get("x-guidance"),
    }


def _any_of(schemas: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """One schema of several that were compiled by themselves; their definitions are kept apart."""
    definitions: dict[str, Any] = {}
    options: list[Any] = []
    for index, schema in enumerate(schemas):
        options.append(_moved(schema, f"m{index}", definitions))
    return {"anyOf": options, "$defs": definitions, "x-guidance": schemas[0].get("x-guidance")}


def _moved(node: Any, prefix: str, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_moved(item, prefix, definitions) for item in cast(list[Any], node)]
    if not isinstance(node, Mapping):
        return node
    mapping = cast(Mapping[str, Any], node)
    if isinstance(ref := mapping.get("$ref"), str) and len(mapping) == 1:
        return {"$ref": ref.replace("#/$defs/", f"#/$defs/{prefix}")}
    made: dict[str, Any] = {}
    for key, value in mapping.items():
        if key == "$defs" and "x-guidance" in mapping:
            for name, part in value.items():
                definitions[prefix + name] = _moved(part, prefix, definitions)
        elif key in ("const", "enum"):
            made[key] = value
        elif key != "x-guidance":
            made[key] = _moved(value, prefix, definitions)
    return made


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
