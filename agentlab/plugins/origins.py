"""Where a run was made, asked of its labels: what brings tools of its own that no name finds.

A package that runs agents with such tools says so in the entry-point group `agentlab.origins`: a
function from a run's labels, and folders to look through, to an `Origin`, or to None for runs that
are not its own. Labs are found this way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeAlias, cast

from agentlab.plugins.equipment import Equipment, no_equipment
from agentlab.tooling import Tool

GROUP = "agentlab.origins"


@dataclass(frozen=True)
class Origin:
    """What a run was given where it was made.

    Attributes:
        equip: opens what these tools need, anew for every run.
    """

    tools: tuple[Tool[Any], ...] = ()
    equip: Callable[[], AbstractAsyncContextManager[Equipment]] = no_equipment


Finder: TypeAlias = Callable[[Mapping[str, str], Sequence[Path]], Origin | None]
"""What an entry of `agentlab.origins` is. A trace is data: it may name, and never bring, code."""


def origin_of(labels: Mapping[str, str], folders: Sequence[Path] = ()) -> Origin | None:
    """The first origin that knows these labels; None for runs that any agent could have made.

    Args:
        folders: to look through besides what is installed.
    """
    for entry in entry_points(group=GROUP):
        if (origin := cast(Finder, entry.load())(labels, folders)) is not None:
            return origin
    return None
