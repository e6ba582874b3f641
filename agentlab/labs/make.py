"""A new lab from a template: small, whole and proved, to be edited into one's own."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from agentlab.errors import LabError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders

StepKind: TypeAlias = Literal["agent", "code"]
"""What the learner works on: an agent to put together, or a program to write."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*")
_ID_IN_TEMPLATE = "mN/name"


def make_lab(id: str, root: Path, *, step: StepKind = "agent") -> tuple[Path, ...]:
    """Make a lab under a folder of labs, and return its files. Nothing is ever overwritten.

    Args:
        id: module and name, e.g. `m3/my-lab`.
        root: the folder of labs; made if it is not there. The lab lies in its subfolder `id`.

    Raises:
        LabError: the id is none, or taken, or the folder can't be made.
    """
    if not _ID.fullmatch(id):
        raise LabError(
            f"{id[:80]!r} can't be the id of a lab: write MODULE/NAME in small letters, digits "
            "and '-', e.g. m3/my-lab"
        )
    if id in dict(list_folders(lab_roots())):
        raise LabError(f"{id} is a lab that comes along: choose another name")
    folder = root / id
    if os.path.lexists(folder):
        raise LabError(f"{folder} already exists, and is left as it is: choose another name")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise _not_made(folder, error) from error
    try:
        return tuple(_copies(id, _template(step), folder))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # made here, a moment ago
        raise _not_made(folder, error) from error


def _template(step: StepKind) -> Path:
    return Path(__file__).parent / "templates" / f"{step}-step"


def _copies(id: str, template: Path, folder: Path) -> Iterator[Path]:
    for file in sorted(template.iterdir()):
        if file.is_file():  # and not what Python keeps beside it
            text = file.read_text(encoding="utf-8").replace(_ID_IN_TEMPLATE, id)
            copy = folder / file.name
            copy.write_text(text, encoding="utf-8")
            yield copy


def _not_made(folder: Path, error: OSError) -> LabError:
    return LabError(f"{folder} can't be made: {error.strerror or error}: choose another place")
