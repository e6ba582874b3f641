"""Where labs lie, and how one is loaded from its folder."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from agentlab.errors import AgentLabError, LabError
from agentlab.labs.course import course
from agentlab.labs.values import Lab, Lesson

_STEP_HEADING = re.compile(r"^## (?P<title>.+?) \{#(?P<id>[a-z0-9-]+)\}\s*$", re.MULTILINE)
# A lab's file and what it defines; the second is how labs were written before 0.2
_NAMES = {"lab.py": "lab", "scenario.py": "scenario"}


def list_folders(roots: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Id and folder of every lab under some roots; of two with the same id, the first."""
    seen: set[str] = set()
    for root in roots:
        for folder in sorted({file.parent for name in _NAMES for file in root.glob(f"*/*/{name}")}):
            id = folder.relative_to(root).as_posix()
            if id not in seen:
                seen.add(id)
                yield id, folder


def lab_file(folder: Path) -> Path | None:
    """The file that declares a folder's lab; None if it has none."""
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def find_folder(name: str, roots: Iterable[Path]) -> Path:
    """The folder of a lab, by path or by id.

    Raises:
        LabError: there is none; says what comes closest.
    """
    path = Path(name)
    if lab_file(path) is not None:
        return path
    folders = dict(list_folders(roots))
    if name in folders:
        return folders[name]
    if path.is_dir():
        raise LabError(f"{name} has no lab.py, so it is not a lab folder")
    import difflib

    close = difflib.get_close_matches(name, folders, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]}?" if close else "`agentlab list` shows what there is"
    raise LabError(f"no lab {name!r}: {hint}")


def load(folder: Path) -> Lab:
    """Load a lab from its folder, with its lesson. This runs the folder's `lab.py`.

    Raises:
        LabError: the folder's files are missing, broken, or do not fit together.
    """
    file = lab_file(folder.resolve())
    if file is None:
        raise LabError(f"{folder} has no lab.py")
    name = "agentlab_lab_" + re.sub(r"\W", "_", str(file.parent))
    # As a package, so that a lab can import the files beside it: `from .cases import …`
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(file.parent)]
    )
    assert spec is not None and spec.loader is not None, "a .py file has a loader"  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except AgentLabError:
        raise
    except Exception as error:
        raise LabError(f"{file} can't be loaded: {type(error).__name__}: {error}") from error
    lab = getattr(module, _NAMES[file.name], None)
    if not isinstance(lab, Lab):
        raise LabError(f"{file} does not define `lab = Lab(…)`")
    lesson, titles = _lesson(folder, lab)
    return replace(
        lab,
        folder=folder,
        lesson=lesson,
        steps=tuple(
            step if step.title else replace(step, title=title)
            for step, title in zip(lab.steps, titles, strict=True)
        ),
        prerequisites=lab.prerequisites or course().after.get(lab.id, ()),
    )


def _lesson(folder: Path, lab: Lab) -> tuple[Lesson, list[str]]:
    """The lesson, and the headings of its steps."""
    path = folder / "lesson.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror or error}") from error
    parts = _STEP_HEADING.split(text)
    titles, ids, bodies = parts[1::3], parts[2::3], parts[3::3]
    if ids != [step.id for step in lab.steps]:
        raise LabError(
            f"{path} must have one heading `## Title {{#id}}` for each step, in order: "
            f"{', '.join(step.id for step in lab.steps)}"
        )
    texts = {id: body.strip() for id, body in zip(ids, bodies, strict=True)}
    return Lesson(intro=parts[0].strip(), steps=texts), titles
