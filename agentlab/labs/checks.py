"""Ready-made checks on how an agent behaved over its cases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from math import isclose
from typing import Any, cast

from agentlab.labs.attempt import Attempt, CaseRun, Check, Verdict

Score = Callable[[CaseRun], bool]
Complaint = Callable[[Any, Any], str | None]
"""What is wrong with what a run showed, given what was expected; None if nothing is."""

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def numbers_in(text: str) -> list[float]:
    """The numbers written in a text, thousands separators allowed."""
    return [float(digits.replace(",", "")) for digits in _NUMBER.findall(text)]


def close_to(value: float, expected: float) -> bool:
    """Equal to six significant digits, as far as answers are written out."""
    return isclose(value, expected, rel_tol=1e-6, abs_tol=1e-9)


def says_number(run: CaseRun) -> bool:
    """The final answer's last number is the expected one.

    The last, so that an answer that lists many numbers in hope does not count.
    """
    numbers = numbers_in(run.output)
    return bool(numbers) and close_to(numbers[-1], float(run.case.expect))


def printed(run: CaseRun) -> object:
    """The last line that the last call printed, as JSON; None if it failed or printed none."""
    if not run.calls or run.calls[-1][1].error is not None:
        return None
    try:
        return json.loads(run.calls[-1][1].content.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        return None


def told(run: CaseRun) -> Mapping[str, Any]:
    """The last line of the last call that is a JSON object; empty if there is none, or it failed.

    What a case prints for its judge comes last, but the program's warnings may stand below it.
    """
    if not run.calls or run.calls[-1][1].error is not None:
        return {}
    for line in reversed(run.calls[-1][1].content.splitlines()):
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return cast(dict[str, Any], value)
    return {}


def ended(run: CaseRun) -> str:
    """How a run ended that came to nothing: the last line of its last call, cut to a line."""
    lines = run.calls[-1][1].content.strip().splitlines() if run.calls else None
    if lines is None:
        return "it was not run"
    return _short(lines[-1], 160) if lines else "it printed nothing"


def every(
    id: str,
    says: str,
    complaint: Complaint,
    *,
    read: Callable[[CaseRun], Any] = told,
) -> Check:
    """It must hold in every case; the reason names the first in which it does not, and why.

    Args:
        complaint: takes what was read and what the case expects.
        read: what a run shows the judge; where that is nothing (None, or an empty mapping), the
            reason is how the run ended.
    """

    def judge(attempt: Attempt) -> Verdict:
        if not attempt.runs:
            return Verdict(passed=False, reason="nothing was run")
        wrong: list[str] = []
        for run in attempt.runs:
            outputs = read(run)
            nothing = outputs is None or outputs == {}
            why = ended(run) if nothing else complaint(outputs, run.case.expect)
            if why is not None:
                wrong.append(f"{run.case.title}: {why}" if run.case.title else why)
        good = len(attempt.runs) - len(wrong)
        reason = f"right in {good} of {_so_far(attempt)} cases"
        return Verdict(passed=not wrong, reason="; ".join([reason, *wrong[:1]]))

    return Check(id=id, says=says, judge=judge, early=True)


def share(id: str, says: str, score: Score, at_least: float, *, wanted: str = "right") -> Check:
    """At least a share of the cases, 0 to 1, must score."""

    def judge(attempt: Attempt) -> Verdict:
        if not attempt.runs:
            return Verdict(passed=False, reason="nothing was run")
        hits = [run for run in attempt.runs if score(run)]
        cases = len(attempt.runs) + attempt.to_come
        needed = at_least * cases
        of = f" of {cases}" if attempt.to_come else ""
        reason = f"{len(hits)} of {_so_far(attempt)} {wanted}, {needed:.0f}{of} needed"
        misses = [run for run in attempt.runs if run not in hits]
        passed = len(hits) + attempt.to_come >= needed
        if misses and not passed:
            first = misses[0]
            reason += f"; e.g. {_short(first.case.input)!r} ended with {_short(first.output)!r}"
        return Verdict(passed=passed, reason=reason)

    return Check(id=id, says=says, judge=judge, early=True)


def _so_far(attempt: Attempt) -> str:
    return f"{'the first ' if attempt.to_come else ''}{len(attempt.runs)}"


def _short(text: str, length: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
