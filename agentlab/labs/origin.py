"""Labs as the origin of runs: the tools and the equipment of the lab that a run was made in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders, load
from agentlab.plugins.origins import Origin

LABEL = "lab"
"""The label in a trace's header that names the lab a run was made in."""


def find(labels: Mapping[str, str], folders: Sequence[Path]) -> Origin | None:
    """The lab of a run. By id only: a trace can't name a folder to run.

    Raises:
        LabError: it is there, and can't be loaded.
    """
    there = dict(list_folders((*folders, *lab_roots())))
    folder = there.get(labels.get(LABEL, ""))
    if folder is None:
        return None
    lab = load(folder)
    return Origin(tools=lab.tools, equip=lab.equip)
