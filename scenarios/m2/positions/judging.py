"""The checks: what tables and turns do, what nets are right about, what a model still knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentlab.labs import Attempt, Check, Verdict
from agentlab.labs.checks import ended, told

from .turns import CLOSE

Found = Mapping[str, Any]

WANTED = {"32": 0.95, "64": 0.95, "128": 0.75}
"""The share of places that must be right, by the length of lines; guessing gives an eighth."""


def said(name: str) -> Callable[[Found, Any], str | None]:
    """What was found wrong, in words, under a name."""

    def complaint(found: Found, _: Any) -> str | None:
        return found.get(name)

    return complaint


def misturned(found: Found, expect: Any) -> str | None:
    """A turn lacks something that every turn has, or is another one."""
    if expect["what"] != "made":
        return None
    for name, says in (
        ("zero", "at position 0 numbers change by {:.2g}"),
        ("longer", "lengths change by {:.1%}"),
        ("moved", "scores change by {:.1%} if all positions move by 37"),
        ("off", "it keeps lengths and distances, and is another turn: off by {:.1%}"),
    ):
        if not found[name] <= CLOSE:
            return says.format(found[name])
    return None


def missed(found: Found, expect: Any) -> str | None:
    """A file's header was read otherwise."""
    if expect["what"] != "made" or found["settings"] == expect["settings"]:
        return None
    pairs = zip(found["settings"], expect["settings"], strict=False)
    return next((f"{one} where {right} is right" for one, right in pairs if one != right), "none")


def unlike(found: Found, expect: Any) -> str | None:
    """Questions and keys are not turned as llama.cpp turns them, or scores not kept."""
    if expect["what"] != "model":
        return None
    for name, says in (("q off", "questions"), ("k off", "keys")):
        if not found[name] <= CLOSE:
            return f"the model's {says}, turned, are off by {found[name]:.1%}"
    if not found["scores off"] <= CLOSE:
        return f"with weights reordered for halves, scores are off by {found['scores off']:.1%}"
    return None


def changed(found: Found, _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found.get("kept", True) else "what it was given has other numbers in it after"


def reaches(id: str, says: str) -> Check:
    """Trained nets are right about lines of every length."""

    def judge(attempt: Attempt) -> Verdict:
        if not attempt.runs:
            return Verdict(passed=False, reason="nothing was run")
        for run in attempt.runs:
            shares = told(run)
            if not shares:
                return Verdict(passed=False, reason=ended(run))
            for length, least in WANTED.items():
                if not shares[length] >= least:
                    return Verdict(
                        passed=False,
                        reason=f"it fails at {length}: right about {shares[length]:.0%} of the "
                        f"places; {least:.0%} needed",
                    )
        shares = told(attempt.runs[0])
        words = ", ".join(f"{shares[n]:.0%} of lines of {n}" for n in WANTED)
        return Verdict(passed=True, reason=f"right about {words}")

    return Check(id=id, says=says, judge=judge)


def forgotten(place: int, what: str) -> Callable[[Found, Any], str | None]:
    """The model does not say what it was told, first (0) or last (1)."""

    def complaint(found: Found, _: Any) -> str | None:
        for one in found.get("heard", []):
            if not one["right"][place]:
                return f"asked for the {what}, it says {one[what]}"
        return None

    return complaint
