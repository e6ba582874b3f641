"""Ready-made checks on how an agent behaved over its cases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from math import isclose
from typing import Any, cast

from agentlab.labs.attempt import Attempt, CaseRun, Check, Verdict

Score = Callable[[CaseRun], bool]

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def numbers_in(text: str) -> list[float]:
    """The numbers written in a text, thousands separators allowed."""
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]


def close_to(value: float, expected: float) -> bool:
    """Equal to six significant digits, as far as answers are written out."""
    return isclose(value, expected, rel_tol=1e-6, abs_tol=1e-9)


def says_number(run: CaseRun) -> bool:
    """The final answer's last number is the expected one.

    The last, so that an answer that lists many numbers in hope does not count.
    """
    found = numbers_in(run.output)
    return bool(found) and close_to(found[-1], float(run.case.expect))


def printed(run: CaseRun) -> object:
    """The last line that the last call printed, as JSON; None if it failed or printed none."""
    if not run.calls or run.calls[-1][1].error is not None:
        return None
    try:
        return json.loads(run.calls[-1][1].content.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        return None


def told(run: CaseRun) -> Mapping[str, Any]:
    """The JSON object that the last call ended with; empty without one."""
    found = printed(run)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def share(id: str, says: str, score: Score, at_least: float, *, wanted: str = "right") -> Check:
    """At least a share of the cases, 0 to 1, must score."""

    def judge(attempt: Attempt) -> Verdict:
        if not attempt.runs:
            return Verdict(passed=False, reason="nothing was run")
        hits = [run for run in attempt.runs if score(run)]
        needed = at_least * len(attempt.runs)
        reason = f"{len(hits)} of {len(attempt.runs)} {wanted}, {needed:.0f} needed"
        misses = [run for run in attempt.runs if run not in hits]
        if misses and len(hits) < needed:
            first = misses[0]
            reason += f"; e.g. {_short(first.case.input)!r} ended with {_short(first.output)!r}"
        return Verdict(passed=len(hits) >= needed, reason=reason)

    return Check(id=id, says=says, judge=judge)


def _short(text: str, length: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
