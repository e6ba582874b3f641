"""What LangChain asks of a model for one reply, in our terms.

`bind_tools` and `with_structured_output` bind plain JSON in OpenAI's form (`tools`, `tool_choice`,
`response_format`), so that what is bound can be read, traced and cached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.errors import ConfigError
from agentlab.frameworks.opened import SAMPLING, sampled
from agentlab.tooling import Tool
from agentlab.tooling.parameters import without_titles

AnyTool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool | Tool[Any]
"""What can be bound: LangChain's tools, functions, types and schemas, and AgentLab's tools."""

_NOT_OURS = ("stream", "ls_structured_output_format", "strict")
"""What LangChain leaves among a reply's fields; grammars are always strict."""


@dataclass(frozen=True)
class Asked:
    """All that decides a reply beside its conversation."""

    tools: tuple[ToolSpec, ...]
    settings: Settings
    output: JsonSchema | None


def asked(settings: Settings, stop: Sequence[str] | None, fields: Mapping[str, Any]) -> Asked:
    """What is asked for by a reply's fields.

    Args:
        settings: the model's own.
        stop: in place of the model's own.
        fields: `tools`, `tool_choice`, `parallel_tool_calls`, `response_format`, and any of
            `SAMPLING`.

    Raises:
        ConfigError: there is no such field, or its value does not fit.
    """
    changes: dict[str, Any] = {"stop": None if stop is None else tuple(stop)}
    tools: tuple[ToolSpec, ...] = ()
    output: JsonSchema | None = None
    for name, value in fields.items():
        if value is None or name in _NOT_OURS:
            continue
        if name == "tools":
            tools = tuple(_spec(bound(tool)) for tool in value)
        elif name == "tool_choice":
            changes[name] = choice(value)
        elif name == "response_format":
            output = _output(value)
        elif name == "parallel_tool_calls" or name in SAMPLING:
            changes[name] = value
        else:
            raise ConfigError(
                f"a reply takes no {name!r}: it takes tools, tool_choice, parallel_tool_calls, "
                f"response_format, stop, {', '.join(SAMPLING)}"
            )
    return Asked(tools, sampled(settings, changes), output)


def bound(tool: AnyTool) -> dict[str, Any]:
    """A tool in OpenAI's form."""
    if isinstance(tool, Tool):
        return {"type": "function", "function": tool.spec.model_dump()}
    return convert_to_openai_tool(cast(Any, tool))


def choice(given: object) -> str:
    """A tool choice, however it is said, as `Settings.tool_choice`.

    Raises:
        ConfigError: it is none.
    """
    match given:
        case True | "any" | "required":
            return "required"
        case False | None:
            return "auto"
        case str():
            return given
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return name
        case {"type": "any"}:
            return "required"
        case {"type": "auto"}:
            return "auto"
        case {"type": "none"}:
            return "none"
        case _:
            raise ConfigError(
                f"tool_choice takes auto, none, any or a tool's name; {given!r:.60} is none"
            )


def schema_of(schema: Mapping[str, Any] | type) -> dict[str, Any]:
    """The JSON Schema of what a reply is to be: of a type, a function's schema, or as it is."""
    return convert_to_json_schema(cast(Any, schema))


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, Mapping):
        raise ConfigError(
            f"a tool of the kind {tool.get('type')!r} is a service's own: bind functions only"
        )
    held = cast(Mapping[str, Any], function)
    nothing: dict[str, Any] = {"type": "object", "properties": {}}
    parameters: dict[str, Any] = held.get("parameters") or nothing
    return ToolSpec(
        name=held["name"],
        description=held.get("description") or "",
        parameters=without_titles(parameters),
    )


def _output(given: object) -> JsonSchema | None:
    if isinstance(given, Mapping):
        form = cast(Mapping[str, Any], given)
        match form.get("type"):
            case "json_schema" if "json_schema" in form:
                return form["json_schema"]["schema"]
            case "json_object":
                return {"type": "object"}
            case "text":
                return None
            case _:
                return schema_of(form)
    if isinstance(given, type):
        return schema_of(given)
    raise ConfigError(f"response_format takes a JSON Schema or a type; {given!r:.60} is neither")
