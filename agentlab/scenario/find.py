"""Where scenarios lie, and how one is loaded from its folder."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentlab.errors import AgentLabError, ScenarioError
from agentlab.scenario.values import Scenario

_STEP_HEADING = re.compile(r"^## (?P<title>.+?) \{#(?P<id>[a-z0-9-]+)\}\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Lesson:
    """The text of a lab: what comes before the first step, and the text of each step."""

    intro: str
    steps: Mapping[str, str]


@dataclass(frozen=True)
class Lab:
    """A scenario, with the folder and the text it came with."""

    folder: Path
    scenario: Scenario
    lesson: Lesson


def scenario_roots() -> tuple[Path, ...]:
    """Where the scenarios that come with AgentLab lie: in the wheel, or in the checkout."""
    package = Path(__file__).resolve().parent.parent
    inside, beside = package.parent / "agentlab_scenarios", package.parent / "scenarios"
    return tuple(root for root in (inside, beside) if root.is_dir())


def list_folders(roots: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Id and folder of every scenario under some roots; of two with the same id, the first."""
    seen: set[str] = set()
    for root in roots:
        for file in sorted(root.glob("*/*/scenario.py")):
            id = file.parent.relative_to(root).as_posix()
            if id not in seen:
                seen.add(id)
                yield id, file.parent


COURSE = (
    "m3/zero-shot",
    "m3/few-shot",
    "m3/chain-of-thought",
    "m3/roles",
    "m3/first-call",
    "m5/tool-use",
    "m5/sandboxed-coder",
    "m5/multi-step",
    "m3/embeddings",
    "m3/vector-stores",
    "m3/rag",
    "m2/pretrain",
    "m3/lora",
    "m5/dpo",
    "m5/quantization",
)
"""The labs that come along, as they are best taken: from a prompt to agents, then to training."""


def place_in_course(id: str) -> tuple[int, str]:
    """Sorts labs as they are best taken; those that COURSE does not name come last, by id."""
    return (COURSE.index(id) if id in COURSE else len(COURSE), id)


def course_order(prerequisites: Mapping[str, Sequence[str]]) -> list[str]:
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
        for before in sorted(prerequisites[id], key=place_in_course):
            if before in prerequisites:
                take(before)
        order[id] = None

    for id in sorted(prerequisites, key=place_in_course):
        take(id)
    return sorted(order, key=lambda id: id.partition("/")[0])


def find_folder(name: str, roots: Iterable[Path]) -> Path:
    """The folder of a scenario, by path or by id.

    Raises:
        ScenarioError: there is none; says what comes closest.
    """
    given = Path(name)
    if (given / "scenario.py").is_file():
        return given
    known = dict(list_folders(roots))
    if name in known:
        return known[name]
    if given.is_dir():
        raise ScenarioError(f"{name} has no scenario.py, so it is not a scenario folder")
    import difflib  # noqa: PLC0415 - only for a mistake

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]}?" if close else "`agentlab list` shows what there is"
    raise ScenarioError(f"no scenario {name!r}: {hint}")


def load(folder: Path) -> Lab:
    """Load a scenario from its folder. This runs the folder's `scenario.py`.

    Raises:
        ScenarioError: the folder's files are missing, broken, or do not fit together.
    """
    file = folder.resolve() / "scenario.py"
    name = "agentlab_scenario_" + re.sub(r"\W", "_", str(folder.resolve()))
    # As a package, so that a scenario can import the files beside it: `from .cases import …`
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(folder.resolve())]
    )
    if spec is None or spec.loader is None or not file.is_file():
        raise ScenarioError(f"{folder} has no scenario.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except AgentLabError:
        raise
    except Exception as error:
        raise ScenarioError(f"{file} can't be loaded: {type(error).__name__}: {error}") from error
    scenario = getattr(module, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise ScenarioError(f"{file} does not define `scenario = Scenario(…)`")
    return Lab(folder=folder, scenario=scenario, lesson=_lesson(folder, scenario))


def _lesson(folder: Path, scenario: Scenario) -> Lesson:
    path = folder / "lesson.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from error
    parts = _STEP_HEADING.split(text)
    ids, bodies = parts[2::3], parts[3::3]
    if ids != [step.id for step in scenario.steps]:
        raise ScenarioError(
            f"{path} must have one heading `## Title {{#id}}` for each step, in order: "
            f"{', '.join(step.id for step in scenario.steps)}"
        )
    return Lesson(
        intro=parts[0].strip(),
        steps={id: body.strip() for id, body in zip(ids, bodies, strict=True)},
    )
