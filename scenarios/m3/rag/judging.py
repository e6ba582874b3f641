"""Whether a rule declines what is not there, and nothing else: both of its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from agentlab.labs import Attempt, Check, Verdict
from agentlab.labs.checks import ended, printed

DECLINED, WRONGLY, RIGHT = 0.75, 0.15, 0.8
"""Of what is not there, at least; of what is there, at most; of what is there, the sentence that
answers, at least."""

_Said = tuple[str, Sequence[int], int | None]
"""A question, the numbers of the sentences that answer it, and the number that was returned."""


def _said(attempt: Attempt) -> Iterator[_Said]:
    """What was returned for each question of all cases.

    Raises:
        ValueError: a case came to nothing, or to something else than numbers and None.
    """
    if not attempt.runs:
        raise ValueError("nothing was run")
    for run in attempt.runs:
        told, questions = printed(run), run.case.facts["questions"]
        if not isinstance(told, list):
            raise ValueError(f"{run.case.title}: {ended(run)}")
        numbers = cast(list[object], told)
        for question, right, one in zip(questions, run.case.expect, numbers, strict=True):
            # True is 1 to Python, and no number of a sentence
            if one is not None and (isinstance(one, bool) or one not in (0, 1, 2)):
                raise ValueError(f"answering({question!r}, …) returned {str(one)[:40]}")
            yield question, right, cast(int | None, one)


def _declines(said: Sequence[_Said]) -> tuple[bool, str]:
    absent = [one for one in said if not one[1]]
    fooled = [question for question, _, one in absent if one is not None]
    share = 1 - len(fooled) / len(absent)
    reason = f"{share:.0%} of {len(absent)} declined, {DECLINED:.0%} needed"
    return share >= DECLINED, reason + (f"; not {fooled[0]!r}" if fooled else "")


def _answers(said: Sequence[_Said]) -> tuple[bool, str]:
    there = [one for one in said if one[1]]
    declined = [question for question, _, one in there if one is None]
    share = len(declined) / len(there)
    reason = f"{share:.0%} of {len(there)} wrongly declined, {WRONGLY:.0%} at most"
    return share <= WRONGLY, reason + (f"; so {declined[0]!r}" if declined else "")


def _points(said: Sequence[_Said]) -> tuple[bool, str]:
    there = [one for one in said if one[1]]
    share = sum(one in right for _, right, one in there) / len(there)
    reason = f"the sentence that answers in {share:.0%} of {len(there)}, {RIGHT:.0%} needed"
    return share >= RIGHT, reason


def _check(id: str, says: str, measure: Callable[[Sequence[_Said]], tuple[bool, str]]) -> Check:
    def judge(attempt: Attempt) -> Verdict:
        try:
            passed, reason = measure(list(_said(attempt)))
        except ValueError as error:
            return Verdict(passed=False, reason=str(error))
        return Verdict(passed=passed, reason=reason)

    return Check(id, says, judge)


DECLINES = _check("declines", f"{DECLINED:.0%} of what is not there is declined", _declines)
ANSWERS = _check("answers", f"{WRONGLY:.0%} of what is there is declined, or less", _answers)
POINTS = _check("points", f"in {RIGHT:.0%} it names the sentence that answers", _points)
