"""The checks: what the graph and the files of a repository are, after a script was there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agentlab.labs import CaseRun

from .team import PEOPLE

MOST_ASKED = 12


def misdelivered(found: Mapping[str, Any], expect: Mapping[str, Any]) -> str | None:
    """What main of the hub has is not what both sides wrote."""
    if not expect["fits"]:
        return None if found["untouched"] else "the check fails, and it was pushed all the same"
    for name, want in expect["files"].items():
        lines = sorted(str(found["files"][name]).splitlines())
        if marks := [line for line in lines if line.startswith(("<<<<<<<", "=======", ">>>>>>>"))]:
            return f"{name} has {marks[0]!r} in it"
        if lost := [line for line in want if line not in lines]:
            return f"{name} of the hub lacks {lost[0]!r}"
        if lines != want:
            return f"{name} has a line too many"
    return None


def history_lost(found: Mapping[str, Any], expect: Mapping[str, Any]) -> str | None:
    """A commit that the hub had is gone, or one of the branch never came."""
    if found["lost"]:
        return f"the hub has lost the commit {found['lost'][0]!r}"
    missing = [s for s in expect["subjects"] if s not in found["came"]]
    return f"the hub has no commit {missing[0]!r}" if expect["fits"] and missing else None


def misreported(found: Mapping[str, Any], expect: Mapping[str, Any]) -> str | None:
    """The exit status does not say whether it was delivered."""
    status = found["status"]
    if expect["fits"]:
        return None if status == 0 else f"the exit status was {status}, not 0"
    return None if status == 1 else f"the exit status was {status}, not 1"


def left_between(found: Mapping[str, Any], _: Mapping[str, Any]) -> str | None:
    """Something was begun and not ended."""
    return f"{found['between'][0]} was left behind" if found["between"] else None


def misnamed(found: Mapping[str, Any], expect: Mapping[str, Any]) -> str | None:
    """What was printed is not the hash of the commit that broke it."""
    if found["named"] is None:
        return f"it printed {str(found['out'])[:60]!r}, which is no whole hash of a commit"
    if found["named"] != expect["subject"]:
        return f"it named {found['named']!r}, and it was {expect['subject']!r}"
    return None


def asked_too_often(found: Mapping[str, Any], _: Mapping[str, Any]) -> str | None:
    """It ran the check more often than halving does, or not at all."""
    if not found["asked"]:
        return "it never ran the check"
    many = found["asked"] > MOST_ASKED
    return f"it ran the check {found['asked']} times" if many else None


def not_as_found(found: Mapping[str, Any], _: Mapping[str, Any]) -> str | None:
    """The repository is not as it was."""
    if found["between"]:
        return f"{found['between'][0]} was left behind"
    if found["head"] != "ref: refs/heads/main":
        return f"HEAD was left at {found['head'][:20]}"
    if not found["untouched"]:
        return "main was changed"
    return None if found["notes"] else "notes.txt is gone"


def people(text: str) -> list[str]:
    """Those of the team whom a text names, in its order."""
    return [word for word in re.findall(r"[A-Z][a-z]+", text) if word in PEOPLE]


def read_from_git(run: CaseRun) -> bool:
    """The answer names the right person, and git had named nobody else."""
    seen = [set(people(result.content)) for _, result in run.calls if not result.error]
    return people(run.output)[-1:] == [run.case.expect] and {run.case.expect} in seen
