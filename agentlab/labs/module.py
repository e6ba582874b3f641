"""A module of the course run whole: its labs in order, and one report of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentlab.errors import LabError
from agentlab.labs.course import course
from agentlab.labs.find import lab_file, list_folders, load
from agentlab.labs.runner import LabReport
from agentlab.labs.values import Lab
from agentlab.messages import Value


class NotRun(Value):
    """A lab that was not graded, and why."""

    lab: str
    why: str


class ModuleReport(Value):
    """How the labs of a module came out.

    Attributes:
        passed: every lab was graded, and passed.
        labs: those that were graded, in the order of the course.
        not_run: those that were not: broken, without what they need, or not reached.
        left_out: labs of which the learner handed in nothing.
    """

    module: str
    title: str
    passed: bool
    labs: tuple[LabReport, ...]
    not_run: tuple[NotRun, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Module:
    """A module with its labs.

    Attributes:
        labs: as they are best taken.
        broken: labs that can't be loaded, with what is wrong.
    """

    id: str
    title: str
    labs: tuple[Lab, ...]
    broken: Mapping[str, str] = field(default_factory=dict[str, str])


def find_module(name: str, roots: Iterable[Path]) -> Module | None:
    """The module of that name, its labs loaded; None if the name is not a module's.

    A folder of that name that holds a lab is the lab: what one can point at comes first.

    Raises:
        LabError: it is a module of the course that has no labs yet.
    """
    if lab_file(Path(name)) is not None:
        return None
    titles = {module.id: module.title for module in course().modules}
    folders = {id: at for id, at in list_folders(roots) if id.partition("/")[0] == name}
    if not folders:
        if name in titles:
            raise LabError(
                f"the module {name} has no labs yet: `agentlab list` shows what there is"
            )
        return None
    labs: dict[str, Lab] = {}
    broken: dict[str, str] = {}
    for id, folder in folders.items():
        try:
            labs[id] = load(folder)
        except LabError as error:  # one broken lab hides none of the others
            broken[id] = str(error)
    order = course().order({id: lab.prerequisites for id, lab in labs.items()})
    return Module(name, titles.get(name, ""), tuple(labs[id] for id in order), broken)
