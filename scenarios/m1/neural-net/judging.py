"""The checks: what nets give, what in them is counted, how they were trained, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from agentlab.labs import Attempt, Check, Verdict
from agentlab.labs.checks import ended, told

Found = Mapping[str, Any]

CLOSE = 1e-6
RIGHT = 0.88
"""Of fresh digits, the mean of both nets: what works came to 0.89 and more."""
DEAD = 0.1
"""Neurons of ReLU that may be dead, answers of sigmoids that may be saturated."""
READ = 0.78
"""Of fresh digits, read as what they are and not doubted; the solution came to 0.9."""
FOOLED = 0.1
"""Of pictures that are none, taken for a digit; the solution came to 0.03."""


def misgiven(found: Found, expect: Sequence[Any]) -> str | None:
    """A layer gives something else."""
    import numpy as np

    for given, wanted in zip(found["given"], expect, strict=True):
        net = f"the net of {len(wanted)} layer{'s' * (len(wanted) > 1)}"
        if len(given) != len(wanted):
            return f"{net}: it returned {len(given)} arrays, and there are {len(wanted)} layers"
        for number, (one, other) in enumerate(zip(given, wanted, strict=True), 1):
            which = "the last layer" if number == len(wanted) else f"hidden layer {number}"
            made, right = np.array(one, dtype=float), np.array(other)
            if made.shape != right.shape:
                return f"{net}: {which} has the shape {made.shape}, not {right.shape}"
            gap = np.abs(made - right)
            bad = np.flatnonzero(~(gap <= CLOSE * (1 + np.abs(right))))
            if bad.size:
                made, right = made.flat[bad[0]], right.flat[bad[0]]
                return f"{net}: {which} gives {made:.6g} somewhere, not {right:.6g}"
    return None


def miscounted(found: Found, expect: Found) -> str | None:
    """Other numbers of dead neurons."""
    for one, other in zip(found["dead"], expect["dead"], strict=True):
        if one != other:
            return f"dead by layer: {other}; it counted {one}"
    return None


def misweighed(found: Found, expect: Found) -> str | None:
    """Other shares of saturated answers."""
    for one, other in zip(found["saturated"], expect["saturated"], strict=True):
        if len(one) != len(other):
            return f"there are {len(other)} hidden layers, and it returned {len(one)} shares"
        if any(not abs(a - b) <= CLOSE for a, b in zip(one, other, strict=True)):
            says = (", ".join(f"{share:.3f}" for share in shares) for shares in (other, one))
            return "saturated by layer: {}; it says {}".format(*says)
    return None


def accurate(id: str, says: str) -> Check:
    """Enough fresh digits are right, over all nets."""

    def judge(attempt: Attempt) -> Verdict:
        failed = [run for run in attempt.runs if not told(run)]
        if failed or not attempt.runs:
            why = f"{failed[0].case.title}: {ended(failed[0])}" if failed else "nothing was run"
            return Verdict(passed=False, reason=why)
        shares = [told(run)["right"] for run in attempt.runs]
        said = ", ".join(f"{share:.1%}" for share in shares)
        share = fmean(shares)
        reason = f"{share:.1%} of fresh digits are right ({said}), {RIGHT:.0%} needed"
        return Verdict(passed=share >= RIGHT, reason=reason)

    return Check(id=id, says=says, judge=judge)


def shallow(found: Found, _: Any) -> str | None:
    """There is no hidden layer."""
    return None if found["hidden"] else "there is no hidden layer, so nothing bends"


def lifeless(found: Found, _: Any) -> str | None:
    """Too much in it has no slope."""
    if found["still"] <= DEAD:
        return None
    what = "ReLUs are dead" if found["bend"] == "relu" else "answers of sigmoids are saturated"
    return f"{found['still']:.0%} of its {what}, {DEAD:.0%} at most"


def unread(found: Found, _: Any) -> str | None:
    """Too few digits are read."""
    if found["read"] >= READ:
        return None
    return (
        f"{found['read']:.0%} of the digits are read as what they are, {READ:.0%} needed "
        f"({found['refused']:.0%} were refused)"
    )


def fooled(found: Found, _: Any) -> str | None:
    """Too many pictures of nothing are taken for digits."""
    share = fmean(found["fooled"].values())
    if share <= FOOLED:
        return None
    how = max(found["fooled"], key=found["fooled"].__getitem__)
    worst = f"{found['fooled'][how]:.0%} of those {how}"
    return f"{share:.0%} of what is no digit got one, {FOOLED:.0%} at most; {worst}"


def misled(found: Found, _: Any) -> str | None:
    """The agent says something else than what is in the picture."""
    for one in found["agent"]:
        if not one["right"]:
            return f"{one['asked']!r}, {one['picture']}: the agent says {one['said'][:60]!r}"
    return None
