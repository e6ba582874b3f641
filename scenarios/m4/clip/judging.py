"""The checks: what a loss comes to, what is found and named, and what boxes are said to see."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from agentlab.labs import Attempt, Check, Verdict
from agentlab.labs.checks import ended, told

Found = Mapping[str, Any]

CLOSE = 1e-5
RECALL = 0.285
"""Of new things, both ways, among the best 5 of 300; what works came to 0.31 and more, training at
a temperature of 1 or 0.001 to 0.26 at most."""
NAMED = 0.55
"""Of new pictures, of 15 kinds; what works came to 0.58 to 0.65."""
HONEST = 0.1
"""What works was 0.06 off at most; without the temperature it is 0.5 off."""
FITS = 0.8
"""Of what is found; what works came to 0.86 and more, one sentence for all to 0.57 to 0.71."""
UNWANTED = 0.1
"""Of what is found; what works came to 0.06 at most, one sentence for all to 0.15 to 0.27."""
ASKED = 0.75
"""What must fit before the agent is asked."""
TOLD = 3
"""Of four names that the agent was told."""


def unlike(loss: bool) -> Callable[[Found, Sequence[Found]], str | None]:
    """A complaint of a batch whose loss, or whose slopes, are others."""

    def complaint(found: Found, expect: Sequence[Found]) -> str | None:
        for said, right in zip(found["batches"], expect, strict=True):
            wrong = _number(said, right) if loss else _slopes(said, right)
            if wrong:
                return f"{right['how']}: {wrong}"
        return None

    return complaint


def _number(said: Found, right: Found) -> str | None:
    one, other = said["loss"], right["loss"]
    if not math.isfinite(one):
        return f"the loss is {one}, not {other:.5f}"
    return (
        None if abs(one - other) <= CLOSE * (1 + other) else f"the loss is {one:.5f}, {_is(other)}"
    )


def _is(right: float) -> str:
    return f"not {right:.5f}"


def _slopes(said: Found, right: Found) -> str | None:
    import numpy as np

    if len(said["slopes"]) != 2:
        return "contrast must return a loss, the pictures' slopes and the captions'"
    for whose, made, wanted in zip(
        ("pictures", "captions"), said["slopes"], right["slopes"], strict=True
    ):
        given, true = np.array(made, dtype=float), np.array(wanted)
        if given.shape != true.shape:
            return f"the slopes of the {whose} have the shape {given.shape}, not {true.shape}"
        bad = np.argwhere(~(np.abs(given - true) <= CLOSE * (1 + np.abs(true))))
        if len(bad):
            at = tuple(bad[0].tolist())
            return f"the slope of the {whose} at {list(at)} is {given[at]:.5g}, not {true[at]:.5g}"
    return None


def on_average(id: str, says: str, measure: Callable[[Sequence[Found]], tuple[bool, str]]) -> Check:
    """It must hold of all draws together; no case may have come to nothing."""

    def judge(attempt: Attempt) -> Verdict:
        failed = [run for run in attempt.runs if not told(run)]
        if failed or not attempt.runs:
            why = f"{failed[0].case.title}: {ended(failed[0])}" if failed else "nothing was run"
            return Verdict(passed=False, reason=why)
        passed, reason = measure([one for run in attempt.runs for one in told(run)["draws"]])
        return Verdict(passed=passed, reason=reason)

    return Check(id=id, says=says, judge=judge)


def searched(found: Sequence[Found]) -> tuple[bool, str]:
    """Enough of the new things are found."""
    share, new = fmean(one["recall"] for one in found), found[0]["new"]
    flat = ": all rows are one point" if any(one["flat"] for one in found) else ""
    says = f"{share:.1%} of new things are among the best 5 of {new}{flat}"
    return share >= RECALL, f"{says}; {RECALL:.1%} needed, chance is {5 / new:.1%}"


def named(found: Sequence[Found]) -> tuple[bool, str]:
    """Enough pictures get the word for their kind."""
    share = fmean(one["right"] for one in found)
    return share >= NAMED, f"{share:.1%} are named rightly, {NAMED:.0%} needed"


def honest(found: Sequence[Found]) -> tuple[bool, str]:
    """How sure it is, and how often it is right, are close."""
    sure, share = (fmean(one[which] for one in found) for which in ("sure", "right"))
    says = f"it is {sure:.0%} sure on average, and right {share:.0%} of the time"
    return abs(sure - share) <= HONEST, says


def fitting(found: Sequence[Found]) -> tuple[bool, str]:
    """Enough of what is found is what was asked for."""
    share = fmean(one["fits"] for one in found)
    return (
        share >= FITS,
        f"{share:.0%} of what is found fits, {FITS:.0%} needed; {found[0]['worst']}",
    )


def unwanted(found: Sequence[Found]) -> tuple[bool, str]:
    """Little of what is found is what must not be there."""
    share = fmean(one["unwanted"] for one in found)
    says = f"{share:.0%} of what is found was not wanted, {UNWANTED:.0%} at most"
    return share <= UNWANTED, f"{says}; {found[0]['worst']}"


def fooled(found: Found, _: Any) -> str | None:
    """A box is said to see what it does not."""
    return _first(found["draws"], "sees", "it does not")


def blinded(found: Found, _: Any) -> str | None:
    """A box is said to be blind to what it sees."""
    return _first(found["draws"], "blind", "it does")


def _first(draws: Sequence[Found], which: str, truth: str) -> str | None:
    some = [
        f"box {box} is said to {_said(which, kind)}, and {truth}"
        for found in draws
        for box, kind, said in found["wrong"]
        if said == which
    ]
    return f"{some[0]} ({len(some)} such)" if some else None


def _said(which: str, kind: str) -> str:
    return f"see {kind!r}" if which == "sees" else f"be blind to {kind!r}"


def misled(found: Found, _: Any) -> str | None:
    """The agent did not search for what it was asked, or told too little of what it found."""
    told_of = [one for draw in found["draws"] for one in draw["agent"]]
    for one in told_of:
        if one["called"][:1] != [one["wanted"]]:
            return f"{one['asked']!r}: the agent searched for {one['called'][:1]}"
        named = sum(name in one["said"] for name in one["found"])
        if named < TOLD:
            return f"{one['asked']!r}: of {one['found']} it names {named}: {one['said'][:80]!r}"
    return None if told_of else "too little fits, so the agent was not asked"
