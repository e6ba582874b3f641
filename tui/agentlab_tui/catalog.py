"""The labs there are, each loaded or with the reason why it is not: one bad lab spoils no list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentlab.errors import AgentLabError
from agentlab.labs.course import Module, course

if TYPE_CHECKING:  # a lab's own imports come with the first lab, not with the first screen
    from agentlab.labs.values import Lab


@dataclass(frozen=True)
class LabEntry:
    """A lab's place in the catalog.

    Attributes:
        id: where it lies under its root, e.g. `m5/tool-use`; also the name of its progress.
        lab: None where it could not be loaded; `problem` then says why.
    """

    id: str
    folder: Path
    lab: Lab | None = None
    problem: str = ""

    @property
    def module(self) -> Module:
        """The part of the roadmap it stands in."""
        return course().module_of(self.id)

    @property
    def title(self) -> str:
        """What the lab calls itself."""
        return self.lab.title if self.lab else "this lab can't be opened"

    def matches(self, query: str) -> bool:
        """Whether every word of a search is found in it."""
        found = [self.id, self.title, self.module.title]
        if self.lab:
            found += self.lab.teaches
        text = " ".join(found).casefold()
        return all(word in text for word in query.casefold().split())


def labs_in(roots: Iterable[Path]) -> Iterator[LabEntry]:
    """Load every lab under some roots, one by one. Of two with the same id the first counts."""
    from agentlab.labs.find import list_folders

    for id, folder in list_folders(roots):
        yield open_lab(id, folder)


def in_order(entries: Iterable[LabEntry]) -> tuple[LabEntry, ...]:
    """Labs as one takes them: each behind what it builds on."""
    labs = {entry.id: entry for entry in entries}
    needs = {id: e.lab.prerequisites if e.lab else () for id, e in labs.items()}
    return tuple(labs[id] for id in course().order(needs))


def open_lab(id: str, folder: Path) -> LabEntry:
    """Load one lab. This runs its `lab.py`, so it may take a while."""
    from agentlab.labs.find import load

    try:
        return LabEntry(id=id, folder=folder, lab=load(folder))
    except AgentLabError as error:
        problem = str(error)
    except SystemExit:  # a lab.py that exits must not take the app with it
        problem = f"{folder / 'lab.py'} can't be loaded: it exits"
    return LabEntry(id=id, folder=folder, problem=problem)
