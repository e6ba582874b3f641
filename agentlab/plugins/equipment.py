"""What tools need opened before a run and closed after it, such as a sandbox.

A package says what its tools need in the entry-point group `agentlab.equipment`: the tool's name,
and a function that returns an async context manager of `Equipment`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from agentlab.errors import ConfigError

GROUP = "agentlab.equipment"


@dataclass(frozen=True)
class Equipment:
    """What the tools of a run work with, e.g. an open sandbox.

    Attributes:
        deps: handed to tools as `ToolContext.deps`.
        labels: written into the trace's header, e.g. `{"sandbox": "strong (bubblewrap)"}`.
    """

    deps: Any = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@asynccontextmanager
async def no_equipment() -> AsyncGenerator[Equipment]:
    """For tools that need nothing."""
    yield Equipment()


@asynccontextmanager
async def equipment_for(tools: Iterable[str]) -> AsyncGenerator[Equipment]:
    """Open what the tools of these names need.

    Raises:
        ConfigError: two of them need different things.
    """
    unequipped = set(tools)
    needed = {entry.value: entry for entry in entry_points(group=GROUP) if entry.name in unequipped}
    if len(needed) > 1:
        names = " and ".join(sorted(entry.name for entry in needed.values()))
        raise ConfigError(f"{names} need different equipment: use them in agents of their own")
    if not needed:
        yield Equipment()
        return
    (entry,) = needed.values()
    async with entry.load()() as equipment:
        yield equipment
