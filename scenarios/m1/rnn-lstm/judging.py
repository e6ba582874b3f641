"""The checks: states and slopes against the lab's own, and networks that have to remember."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from agentlab.labs import Attempt, CaseRun, Check, Verdict
from agentlab.labs.checks import ended, told

from .cases import BACK

Found = Mapping[str, Any]

CLOSE = 1e-6
REMEMBERED = 0.95
"""The share of lines; guessing is right in a quarter."""
TRIED = ("100", "7", "303")
"""The lengths that lines have, as they are told; no step fits all of them, as clocks do."""


def misread(what: str) -> Callable[[Found, Any], str | None]:
    """A state, or a cell, is another at the end of a line."""

    def complaint(found: Found, expect: Any) -> str | None:
        import numpy as np

        if expect["what"] != what:
            return None
        for n, (ends, wanted) in enumerate(zip(found["ends"], expect["ends"], strict=True), 1):
            for name, one, right in zip(("state", "cell"), ends, wanted, strict=False):
                made, other = np.array(one, dtype=float), np.array(right)
                if made.shape != other.shape:
                    return f"net {n}: the {name} has the shape {made.shape}, not {other.shape}"
                if not np.abs(made - other).max() <= CLOSE:
                    return f"net {n}: the {name} is off by {np.abs(made - other).max():.2g}"
        return None

    return complaint


def misled(what: str) -> Callable[[Found, Any], str | None]:
    """The slope has another norm, some steps back."""

    def complaint(found: Found, expect: Any) -> str | None:
        if expect["what"] != what:
            return None
        for norms, wanted in zip(found["norms"], expect["norms"], strict=True):
            for back, norm, right in zip(BACK, norms, wanted, strict=True):
                if not abs(norm - right) <= CLOSE * right:
                    return f"{back} steps back the norm is {norm:.3g}, not {right:.3g}"
        return None

    return complaint


def misclipped(found: Found, expect: Any) -> str | None:
    """Slopes are not as long as they may be, or point elsewhere."""
    import numpy as np

    if expect["what"] != "clip":
        return None
    for made, wanted in zip(found["made"], expect["made"], strict=True):
        one, right = (
            np.concatenate([np.ravel(np.array(part[name], dtype=float)) for name in ("h", "b")])
            for part in (made, wanted)
        )
        if not np.isfinite(one).all():
            return "there are numbers in it that are none (nan or inf)"
        norm, length = float(np.linalg.norm(one)), float(np.linalg.norm(right))
        if one.size != right.size or abs(norm - length) > CLOSE * (1 + length):
            return f"together they are {norm:.3g} long, not {length:.3g}"
        if length and float(np.abs(one - right).max()) > CLOSE * length:
            return "they are as long as they should be, and point elsewhere"
    return None


def changed(found: Found, _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found.get("kept", True) else "what it was given has other numbers in it after"


def remembers(id: str, says: str) -> Check:
    """Trained networks remember, over lines of every length."""

    def judge(attempt: Attempt) -> Verdict:
        failed = [run for run in attempt.runs if not told(run)]
        if failed or not attempt.runs:
            return Verdict(passed=False, reason=ended(failed[0]) if failed else "nothing was run")
        shares = {n: fmean(told(run)[n] for run in attempt.runs) for n in TRIED}
        missed = [n for n in TRIED if shares[n] < REMEMBERED]
        told_all = ", ".join(f"{shares[n]:.0%} of lines of {n}" for n in TRIED)
        reason = f"right about {told_all}; {REMEMBERED:.0%} needed"
        return Verdict(
            passed=not missed, reason=f"it fails at {missed[0]}: {reason}" if missed else reason
        )

    return Check(id=id, says=says, judge=judge)


def first_word(run: CaseRun) -> bool:
    """The answer is the first word of the line and nothing else."""
    return run.output.strip().lower().rstrip(".") == run.case.expect
