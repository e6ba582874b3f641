"""Tools by name, ours and other packages' alike, through entry points.

`agentlab.tools` holds tools. `agentlab.toolsets` holds what makes tools of something a user names,
and must be opened and closed: `query_data:sales.csv`, `mcp:github`. Such an entry is a function
from what is named to an async context manager of tools.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeAlias, cast

from agentlab.errors import ConfigError, MissingExtra
from agentlab.tooling import Tool
from agentlab.values import unknown

GROUP = "agentlab.tools"
TOOLSETS = "agentlab.toolsets"

Opener: TypeAlias = Callable[[Sequence[str]], AbstractAsyncContextManager[Sequence[Tool[Any]]]]
"""What an entry of `agentlab.toolsets` is: given all that was named of it, it opens the tools."""


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
            sets = [f"{entry.name}:…" for entry in entry_points(group=TOOLSETS)]
            raise ConfigError(f"no tool {unknown(name, [*entries, *sets])}")
        try:
            loaded: object = entries[name].load()
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"{error.name}, which the tool {name} needs,", "tools,knowledge"
            ) from error
        if not isinstance(loaded, Tool):
            raise ConfigError(f"the entry point {name} in {GROUP} is not a tool")
        tools.append(cast(Tool[Any], loaded))
    return tuple(tools)


@asynccontextmanager
async def open_tools(names: Iterable[str]) -> AsyncGenerator[tuple[Tool[Any], ...]]:
    """The tools of these names, and those of toolsets, for as long as the block lasts.

    Args:
        names: a tool's, or `toolset:what`, e.g. `mcp:github`. What is named of one toolset is
            opened together.

    Raises:
        ConfigError: there is no tool or toolset of a name, or what was named does not open.
        MissingExtra: one of them needs something that is not installed.
    """
    sets = {entry.name: entry for entry in entry_points(group=TOOLSETS)}
    installed = tool_names()
    plain: list[str] = []
    named: dict[str, list[str]] = {}
    for name in names:
        head, colon, what = name.partition(":")
        if head in sets and (colon or head not in installed):
            named.setdefault(head, []).append(what)
        else:
            plain.append(name)
    tools = list(load_tools(plain))
    async with AsyncExitStack() as stack:
        for head, whats in named.items():
            try:
                opener: Opener = sets[head].load()
            except ModuleNotFoundError as error:
                raise MissingExtra(f"{error.name}, which {head} needs,", "knowledge") from error
            tools += await stack.enter_async_context(opener(whats))
        yield tuple(tools)


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
