"""How every lab stands: passed, begun, ready or waiting for others; and where to go on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentlab.labs.course import course
from agentlab_tui.catalog import LabEntry
from agentlab_tui.lab_progress import LabProgress, Mark


@dataclass(frozen=True)
class Standing:
    """One lab among the others.

    Attributes:
        done: steps passed, of `of`.
        waits_for: ids of labs that come first and are not passed yet. They may be skipped.
        unlocks: ids of labs that build on this one.
        is_next: the one to go on with.
    """

    mark: Mark
    done: int = 0
    of: int = 0
    waits_for: tuple[str, ...] = ()
    unlocks: tuple[str, ...] = ()
    is_next: bool = False


def lab_mark(entry: LabEntry, progress: LabProgress) -> Mark:
    """How a whole lab stands."""
    if entry.lab is None:
        return "open"
    if all(step.id in progress.passed for step in entry.lab.steps):
        return "passed"
    return "seen" if progress.passed or progress.seen else "open"


def standings(
    entries: Sequence[LabEntry], progress: Mapping[str, LabProgress]
) -> dict[str, Standing]:
    """Every lab's standing, by id.

    Next is the lab last worked on, if any is begun; else the first of the course that waits for
    nothing.

    Args:
        progress: of every one of them.
    """
    marks: dict[str, Mark] = {e.id: lab_mark(e, progress[e.id]) for e in entries}
    needs = {e.id: tuple(e.lab.prerequisites) if e.lab else () for e in entries}
    waits = {
        id: tuple(need for need in prerequisites if marks.get(need, "passed") != "passed")
        for id, prerequisites in needs.items()
    }
    following = _next(entries, progress, marks, waits)
    by_lab: dict[str, Standing] = {}
    for entry in entries:
        steps = entry.lab.steps if entry.lab else ()
        by_lab[entry.id] = Standing(
            mark=marks[entry.id],
            done=sum(step.id in progress[entry.id].passed for step in steps),
            of=len(steps),
            waits_for=waits[entry.id],
            unlocks=tuple(id for id, prerequisites in needs.items() if entry.id in prerequisites),
            is_next=entry.id == following,
        )
    return by_lab


def _next(
    entries: Sequence[LabEntry],
    progress: Mapping[str, LabProgress],
    marks: Mapping[str, Mark],
    waits: Mapping[str, tuple[str, ...]],
) -> str | None:
    todo = [e.id for e in entries if e.lab and marks[e.id] != "passed"]
    begun = [id for id in todo if marks[id] == "seen"]
    if begun:
        return max(begun, key=lambda id: _touched(progress[id]))
    ready = [id for id in todo if not waits[id]]
    return min(ready or todo, key=course().place, default=None)


def _touched(progress: LabProgress) -> float:
    return max((*progress.passed.values(), *progress.seen.values()), default=0.0)
