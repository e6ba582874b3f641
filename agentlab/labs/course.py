"""The course: its modules, and the order of its labs, as `course.toml` beside the labs has them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from agentlab.errors import LabError

FILE = "course.toml"
GROUP = "agentlab.labs"
"""The entry-point group of packages that hold labs: `NAME = "package"`."""


@dataclass(frozen=True)
class Module:
    """A part of the course. A lab belongs to it by the first part of its id, e.g. `m3`."""

    id: str
    title: str
    about: str


@dataclass(frozen=True)
class Topic:
    """Something that the course teaches.

    Attributes:
        module: the id of the part it belongs to.
        steps: where it is taught, as (lab, step); none while its lab is still to come.
    """

    module: str
    name: str
    steps: tuple[tuple[str, str], ...]


OTHERS = Module("", "Your own labs", "from `agentlab new-lab`, or the folders given with --labs")
"""For labs outside the course."""


@dataclass(frozen=True)
class Course:
    """Modules in order, and labs as they are best taken.

    Attributes:
        after: every lab of the course, in order, with the labs it builds on.
        topics: what is taught, module by module.
    """

    modules: tuple[Module, ...] = ()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    topics: tuple[Topic, ...] = ()

    @classmethod
    def load(cls, file: Path) -> Course:
        """Read a course file.

        Raises:
            LabError: it can't be read, or does not describe a course.
        """
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            modules = tuple(Module(**module) for module in table["modules"])
            after = {id: tuple(lab.get("after", ())) for id, lab in table["labs"].items()}
            topics = tuple(
                Topic(module, name, tuple(map(_place, places)))
                for module, named in table.get("topics", {}).items()
                for name, places in named.items()
            )
        except OSError as error:
            raise LabError(f"{file}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LabError(f"{file} does not describe a course: {error}") from error
        return cls(modules=modules, after=after, topics=topics)

    def module_of(self, lab: str) -> Module:
        """The module a lab's id belongs to; `OTHERS` for ids outside the course."""
        first = lab.partition("/")[0]
        return next((module for module in self.modules if module.id == first), OTHERS)

    def place(self, lab: str) -> tuple[int, str]:
        """Sorts labs as they are best taken; those the course does not name come last, by id."""
        labs = list(self.after)
        return (labs.index(lab) if lab in self.after else len(labs), lab)

    def order(self, prerequisites: Mapping[str, Sequence[str]]) -> list[str]:
        """Labs module by module, each behind what it builds on, else by their place in the course.

        Args:
            prerequisites: of every lab, by its id. Those that are not there count for nothing.
        """
        order: dict[str, None] = {}
        begun: set[str] = set()

        def take(id: str) -> None:
            if id in begun:  # taken already, or labs that wait for each other
                return
            begun.add(id)
            for before in sorted(prerequisites[id], key=self.place):
                if before in prerequisites:
                    take(before)
            order[id] = None

        for id in sorted(prerequisites, key=self.place):
            take(id)
        return sorted(order, key=lambda id: id.partition("/")[0])


def _place(written: str) -> tuple[str, str]:
    """A lab and its step, from `LAB#STEP`."""
    lab, sign, step = written.partition("#")
    if not (lab and sign and step):
        raise ValueError(f"{written!r} is no LAB#STEP")
    return lab, step


def lab_roots() -> tuple[Path, ...]:
    """Where installed labs lie: ours, in the wheel or the checkout, then other packages'."""
    package = Path(__file__).resolve().parent.parent
    inside, beside = package.parent / "agentlab_scenarios", package.parent / "scenarios"
    ours = (root for root in (inside, beside) if (root / FILE).is_file())
    return (*ours, *_of_packages())


@cache
def course() -> Course:
    """The course that comes along; an empty one where no labs do."""
    files = (root / FILE for root in lab_roots())
    return next((Course.load(file) for file in files if file.is_file()), Course())


def _of_packages() -> Iterator[Path]:
    """The folders of labs that other packages hold; none of them is imported for it."""
    for entry in entry_points(group=GROUP):
        try:
            spec = find_spec(entry.value)
        except (ImportError, ValueError):  # a parent package that is not there
            continue
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(folder)
