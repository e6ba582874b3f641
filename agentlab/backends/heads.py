"""The part of a request that stays the same from step to step: model, tools, settings.

It is made once for each combination that is in use, for an agent sends the same one every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from agentlab.backend import JsonSchema, Settings, ToolSpec
from agentlab.backends.folded import fold
from agentlab.backends.structured import Mode, answer_name, answer_tool
from agentlab.errors import BadRequest, ConfigError

_KEPT = 64

MakeHead = Callable[[Sequence[ToolSpec], Settings, JsonSchema | None, Mode | None], bytes]


class Heads:
    """Remembers `make(tools, settings, output, mode)`, by the identity of tools and output."""

    def __init__(self, make: MakeHead) -> None:
        self._make = make
        self._made: dict[Any, tuple[bytes, Any]] = {}

    def __call__(
        self,
        tools: Sequence[ToolSpec],
        settings: Settings,
        output: JsonSchema | None,
        mode: Mode | None,
    ) -> bytes:
        """The bytes for this combination."""
        key = (tuple(map(id, tools)), settings, id(output), mode)
        entry = self._made.get(key)
        if entry is not None:
            return entry[0]
        head = self._make(tools, settings, output, mode)
        if len(self._made) >= _KEPT:
            del self._made[next(iter(self._made))]
        # what the key holds by id is kept alive with it, so no id can come to mean something else
        self._made[key] = (head, (tuple(tools), output))
        return head


def offer(
    tools: Sequence[ToolSpec], settings: Settings, output: JsonSchema | None, mode: Mode | None
) -> tuple[list[ToolSpec], str]:
    """The tools to offer, and the tool choice; with typed output by way of a tool, that one too.

    Raises:
        ConfigError: the tool choice can't be met.
    """
    offered, choice = list(tools), choice_of(settings, tools)
    if output is not None and mode == "tool":
        name = answer_name(tools)
        offered.append(answer_tool(output, name))
        choice = "required" if tools and choice != "none" else name
    return offered, choice


def described(tool: ToolSpec, *, folds: bool) -> tuple[str, dict[str, Any]]:
    """A tool's description and its schema; `folds` where it must be a plain object at the top."""
    if not folds:
        return tool.description, tool.parameters
    parameters, words = fold(tool.parameters)
    return "\n\n".join(filter(None, (tool.description, words))), parameters


def blames_the_top(error: BadRequest) -> bool:
    """Whether a service refuses what stands at the top of a tool's schema."""
    complaint = str(error).lower()
    return any(key.lower() in complaint for key in ("oneOf", "anyOf", "allOf")) and (
        "top level" in complaint or "top-level" in complaint or "schema" in complaint
    )


def choice_of(settings: Settings, tools: Sequence[ToolSpec]) -> str:
    """The tool choice, if it can be met.

    Raises:
        ConfigError: it names no tool there is, or requires one where there is none.
    """
    choice = settings.tool_choice
    if choice in ("auto", "none"):
        return choice
    if choice == "required" and tools:
        return choice
    if choice in {tool.name for tool in tools}:
        return choice
    names = ", ".join(tool.name for tool in tools) or "none"
    raise ConfigError(f"tool_choice {choice!r} can't be met: the tools are: {names}")


def json_arguments(arguments: str) -> str:
    """The arguments of a past call as JSON that every service can read.

    A malformed call stays in the trace as it was; services refuse a whole history over it, so they
    get it wrapped in an object.
    """
    try:
        if isinstance(from_json(arguments), dict):
            return arguments
    except ValueError:
        pass
    return to_json({"malformed": arguments}).decode()
