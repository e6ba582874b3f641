"""What counts as the answer of a reply that also holds its working."""

from __future__ import annotations

import re

from agentlab.labs import CaseRun

_ANSWER = re.compile(r"\bthe answer is:? *(-?\d+)", re.IGNORECASE)


def final_answer(text: str) -> int | None:
    """The number first said to be the answer. What is worked out before or behind counts nothing.

    The first, so that an answer which is taken back later has been given all the same.
    """
    found = _ANSWER.search(text)
    return int(found[1]) if found else None


def answers(run: CaseRun) -> bool:
    """The answer that is given is the right one."""
    return final_answer(run.output) == run.case.expect
