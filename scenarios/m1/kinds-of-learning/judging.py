"""The checks: what came out, against what was to be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from agentlab.labs import Attempt, Check, Verdict
from agentlab.labs.checks import ended, told

Found = Mapping[str, Any]

RIGHT = 0.78
"""Of the fresh ones, on average; the nearest neighbour alone is right in 0.82."""
HONEST = 0.09
"""How far off the expected share may be, on average; cross-validation is 0.03 off."""
SLACK = 1.005
REGRET = 0.5
"""Of the regret of choosing at random, over all games; what works came to 0.2 to 0.3."""
BEST = 0.5


def on_average(
    id: str, says: str, measure: Callable[[Sequence[Found]], tuple[bool, str] | None]
) -> Check:
    """It must hold of all cases together; no case may have come to nothing."""

    def judge(attempt: Attempt) -> Verdict:
        failed = [run for run in attempt.runs if not told(run)]
        if failed or not attempt.runs:
            why = f"{failed[0].case.title}: {ended(failed[0])}" if failed else "nothing was run"
            return Verdict(passed=False, reason=why)
        measured = measure([told(run) for run in attempt.runs])
        if measured is None:
            return Verdict(passed=True, reason="no case of this sort was among them")
        return Verdict(passed=measured[0], reason=measured[1])

    return Check(id=id, says=says, judge=judge)


def accurate(found: Sequence[Found]) -> tuple[bool, str]:
    """Enough of the fresh ones are right."""
    share = fmean(one["right"] for one in found)
    return share >= RIGHT, f"{share:.1%} of the fresh ones are right, {RIGHT:.0%} needed"


def honest(found: Sequence[Found]) -> tuple[bool, str]:
    """What was expected is what came."""
    off = fmean(abs(one["expected"] - one["right"]) for one in found)
    expected, came = (fmean(one[name] for one in found) for name in ("expected", "right"))
    says = f"it expected {expected:.1%}, and {came:.1%} came true: {off:.1%} off on average"
    return off <= HONEST, f"{says}, {HONEST:.0%} at most"


def spread_out(found: Found, _: Any) -> str | None:
    """A closer grouping was to be had."""
    over = found["spread"] / found["least"]
    if over <= SLACK:
        return None
    return (
        f"its spread is {found['spread']:.1f}, {over - 1:.1%} above the {found['least']:.1f} found"
    )


def regretful(found: Sequence[Found]) -> tuple[bool, str] | None:
    """It lost less than choosing at random would have, over all games."""
    shares = [one["regret"] for one in found if "regret" in one]
    if not shares:
        return None
    share = fmean(shares)
    return share <= REGRET, f"{share:.2f} of chance's regret, {REGRET} at most"


def choosy(found: Sequence[Found]) -> tuple[bool, str] | None:
    """The live agent was mostly asked with its best prompt."""
    shares = [one["best"] for one in found if "regret" not in one]
    if not shares:
        return None
    share = fmean(shares)
    return share >= BEST, f"asked with its best prompt {share:.0%} of the time, {BEST:.0%} needed"
