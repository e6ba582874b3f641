"""The checks: slopes against those that were found another way, and a model that was taught."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from agentlab.labs import Attempt, Check, Verdict
from agentlab.labs.checks import ended, told

Found = Mapping[str, Any]

CLOSE = 1e-6
"""How far off a slope may be, of the largest that there is."""
RIGHT = 0.5
"""Of fresh names; what works came to 0.7, and always the same word is right for a quarter."""


def off(found: Found, expect: Any) -> str | None:
    """A leaf's slope is another."""
    slopes, wanted = found["slopes"], list(expect)
    scale = max(1.0, *(abs(one) for one in wanted))
    for n, (one, other) in enumerate(zip(slopes, wanted, strict=True)):
        if not abs(one - other) <= CLOSE * scale:
            return f"the slope by leaf {n} is {one:.4g}, not {other:.4g}"
    return None


def misruled(what: str) -> Callable[[Found, Any], str | None]:
    """A rule is not the one for products, sums, or losses."""

    def complaint(found: Found, expect: Any) -> str | None:
        import numpy as np

        if expect["what"] != what:
            return None
        made = [np.array(part, dtype=float) for part in found["made"]]
        wanted = [np.array(part) for part in expect["made"]]
        if len(made) != len(wanted):
            return f"it returned {len(made)} arrays, not {len(wanted)}"
        for part, right in zip(made, wanted, strict=True):
            if part.shape != right.shape:
                return f"a slope has the shape {part.shape}, not {right.shape}"
            gap = float(np.abs(part - right).max())
            if not gap <= CLOSE * max(1.0, float(np.abs(right).max())):
                return f"a number in it is off by {gap:.2g}"
        return None

    return complaint


def changed(found: Found, _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found["kept"] else "what it was given has other numbers in it afterwards"


def taught(id: str, says: str) -> Check:
    """The model is right about fresh names, over all draws together."""

    def judge(attempt: Attempt) -> Verdict:
        failed = [run for run in attempt.runs if not told(run)]
        if failed or not attempt.runs:
            return Verdict(passed=False, reason=ended(failed[0]) if failed else "nothing was run")
        found: Sequence[Found] = [told(run) for run in attempt.runs]
        share, before = (fmean(one[name] for one in found) for name in ("right", "before"))
        reason = f"right about {share:.0%} of fresh names, {RIGHT:.0%} needed; {before:.0%} before"
        return Verdict(passed=share >= RIGHT, reason=reason)

    return Check(id=id, says=says, judge=judge)
