"""The checks: what a slope is against what it should be, and what became of a descent."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from agentlab.labs import Attempt, CaseRun, Check, Verdict

Complaint = Callable[[Mapping[str, Any], Any], str | None]
"""What is wrong with what was printed, given what was expected; None if nothing is."""

CLOSE = 1e-6
"""How far off a gradient may be, of its length."""
RIGHT = 0.8
"""The share of fresh reviews that must be labelled rightly."""
NATS = 0.3
"""What a fresh label may cost."""


def every(id: str, says: str, complaint: Complaint) -> Check:
    """It must hold in every case; the reason names the first in which it does not."""

    def judge(attempt: Attempt) -> Verdict:
        wrong: list[str] = []
        for run in attempt.runs:
            found = _told(run)
            why = complaint(found, run.case.expect) if found else _ended(run)
            if why is not None:
                wrong.append(f"{run.case.title}: {why}")
        good = len(attempt.runs) - len(wrong)
        reason = f"right in {good} of {len(attempt.runs)} cases"
        return Verdict(passed=not wrong and good > 0, reason="; ".join([reason, *wrong[:1]]))

    return Check(id=id, says=says, judge=judge)


def _told(run: CaseRun) -> Mapping[str, Any]:
    """What the case printed for the grader. Below it may stand warnings of the program's."""
    if not run.calls or run.calls[-1][1].error is not None:
        return {}
    for line in reversed(run.calls[-1][1].content.splitlines()):
        try:
            found: object = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return cast(Mapping[str, Any], found)
    return {}


def _ended(run: CaseRun) -> str:
    """The last words of a run that came to nothing."""
    said = run.calls[-1][1].content.strip().splitlines() if run.calls else []
    return said[-1][:160] if said else "it was not run"


def _off(found: list[float], wanted: list[float]) -> float:
    """How far apart, against how long the second is; infinite if a number is none."""
    gap = math.dist(found, wanted) / max(math.hypot(*wanted), 1e-12)
    return gap if math.isfinite(gap) else math.inf


def misshapen(found: Mapping[str, Any], expect: Any) -> str | None:
    """The gradient has another shape than the place."""
    got, want = tuple(found["shape"]), tuple(expect["shape"])
    return None if got == want else f"its shape is {got}, and that of x is {want}"


def not_the_slope(found: Mapping[str, Any], expect: Any) -> str | None:
    """The gradient is another one."""
    if misshapen(found, expect):
        return None  # that is for the other check to say
    off = _off(found["slopes"], expect["slopes"])
    return None if off <= CLOSE else f"the gradient is off by {off:.2g} of its length"


def wasteful(found: Mapping[str, Any], expect: Any) -> str | None:
    """f was asked more than twice a number, and once more."""
    most = 2 * len(expect["slopes"]) + 1
    asked = found["asked"]
    return None if asked <= most else f"f was asked {asked} times, {most} at most"


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found["kept"] else "what it was given is changed afterwards"


def not_the_loss(found: Mapping[str, Any], expect: Any) -> str | None:
    """The loss is another one."""
    off = abs(found["loss"] - expect["loss"]) / max(abs(expect["loss"]), 1e-3)
    if off <= CLOSE:
        return None
    return f"the loss is {found['loss']:.4g}, not {expect['loss']:.4g}"


def not_its_slopes(found: Mapping[str, Any], expect: Any) -> str | None:
    """A slope of the loss is another one."""
    if len(found["bias"]) != len(expect["bias"]):
        return f"the slopes by the bias are {len(found['bias'])}, not {len(expect['bias'])}"
    size = max(abs(expect["scale"]), math.hypot(*expect["bias"]), 1e-9)
    if not abs(found["scale"] - expect["scale"]) <= CLOSE * size:
        return f"the slope by the scale is {found['scale']:.4g}, not {expect['scale']:.4g}"
    off = math.dist(found["bias"], expect["bias"]) / size
    return None if off <= CLOSE else f"the slopes by the bias are off by {off:.2g}"


def too_long(found: Mapping[str, Any], _: Any) -> str | None:
    """A step a little shorter blew up."""
    far = found["below"]
    return None if far < 1 else f"with 95 % of that step it ends {far:.2g} times as far off"


def too_short(found: Mapping[str, Any], _: Any) -> str | None:
    """A step a little longer still came down."""
    far = found["above"]
    return None if far > 1 else f"with 105 % of that step it still comes down, to {far:.2g}"


def mislabelled(found: Mapping[str, Any], _: Any) -> str | None:
    """Too few of the fresh reviews are labelled rightly."""
    right, asked = found["right"], found["asked"]
    return None if right >= RIGHT * asked else f"{right} of {asked} right, {RIGHT:.0%} needed"


def unsure(found: Mapping[str, Any], _: Any) -> str | None:
    """The right labels cost too much."""
    nats = found["nats"]
    return None if nats <= NATS else f"a right label costs {nats:.3f} nats, {NATS} at most"
