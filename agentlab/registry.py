"""Tools by name, ours and other packages' alike, through the entry-point group `agentlab.tools`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from agentlab.errors import ConfigError, MissingExtra
from agentlab.tooling import Tool

GROUP = "agentlab.tools"


def tool_names() -> tuple[str, ...]:
    """The names of all tools that are installed."""
    return tuple(sorted(_entries()))


def load_tools(names: Iterable[str]) -> tuple[Tool[Any], ...]:
    """The tools of these names.

    Raises:
        ConfigError: there is no tool of a name, or its package is not whole.
        MissingExtra: a tool needs something that is not installed.
    """
    entries = _entries()
    tools: list[Tool[Any]] = []
    for name in names:
        if name not in entries:
            raise ConfigError(f"no tool {name!r}; there are: {', '.join(sorted(entries))}")
        try:
            loaded: object = entries[name].load()
        except ModuleNotFoundError as error:
            raise MissingExtra(f"{error.name}, which the tool {name} needs,", "tools") from error
        if not isinstance(loaded, Tool):
            raise ConfigError(f"the entry point {name} in {GROUP} is not a tool")
        tools.append(cast(Tool[Any], loaded))
    return tuple(tools)


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
