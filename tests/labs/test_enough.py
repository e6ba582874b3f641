"""A proof stops trying an answer once no further case could change what is found of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.labs.attempt import Attempt, Case, CaseRun, Check, Verdict
from agentlab.labs.checks import every, printed, share
from agentlab.labs.declare import Drawn, code_step, programs
from agentlab.labs.prove import Proof, prove
from agentlab.labs.runner import CaseFinished, Grader, StepFinished, StepReport
from agentlab.labs.values import Lab
from agentlab.tooling import tool

programs_run: list[str] = []
ran: list[str] = []
"""The program of each case, in order."""


@tool
def evaluate(code: str) -> str:
    """Take a program, which is a formula; then work it out for each number."""
    if not code.strip().isdigit():
        programs_run.append(code.strip())
        return "ready"
    ran.append(programs_run[-1])
    return str(eval(programs_run[-1], {"x": int(code)}))


def numbers(_: Random, count: int) -> list[Case]:
    return [Case(str(n), 2 * n, title=f"number {n}") for n in range(count)]


def is_double(run: CaseRun) -> bool:
    return printed(run) == run.case.expect


def off(shown: object, expect: object) -> str | None:
    return None if shown == expect else f"it is {shown}"


DOUBLED = every("doubled", "every number is doubled", off, read=printed)
MOSTLY = share("mostly", "half are doubled", is_double, 0.5)


def last(attempt: Attempt) -> Verdict:
    """Looks at the last case only, and so can't be asked before."""
    return Verdict(passed=is_double(attempt.runs[-1]), reason=f"of {len(attempt.runs)}")


def lab(*checks: Check, mistakes: dict[str, str] | None = None) -> Lab:
    answers = programs(
        starter="x",
        solution="2 * x",
        also={},
        wrong={"square": "x * x", "late": "2 * x + (x > 5)"},
        mistakes=mistakes,
    )
    step = code_step(
        "double",
        answers,
        Drawn(numbers, practice=1, graded=8),
        hints=(),
        checks=checks,
        runs_on="evaluate",
    )
    return Lab(id="m9/x", title="", teaches=(), minutes=1, steps=(step,), tools=(evaluate,))


async def proved(one: Lab) -> dict[str, tuple[Proof, int]]:
    """Each answer's proof, and how many cases it was tried on."""
    found: dict[str, tuple[Proof, int]] = {}
    ran.clear()
    async for proof in prove(one, Scripted(["never asked"])):
        found[proof.answer] = (proof, len(ran))
        ran.clear()
    return found


async def test_what_is_right_is_tried_on_every_case_and_what_is_wrong_until_it_shows():
    found = await proved(lab(DOUBLED))
    assert {name: cases for name, (_, cases) in found.items()} == {
        "solution": 8,
        "starter": 2,  # right about 0
        "square": 2,
        "late": 7,
    }
    assert all(proof.holds for proof, _ in found.values())
    assert found["late"][0].reason == (
        "rejected: right in 6 of the first 7 cases; number 6: it is 13"
    )


async def test_a_share_is_lost_once_the_cases_to_come_would_not_do():
    found = await proved(lab(MOSTLY))
    proof, cases = found["square"]  # right about 0 and 2
    assert (proof.holds, cases) == (True, 7)
    assert proof.reason.startswith("rejected: 2 of the first 7 right, 4 of 8 needed; e.g. '1'")
    assert found["late"][1] == 8  # it passes
    assert not found["late"][0].holds


async def test_another_mistake_than_the_answers_own_is_not_enough():
    mistakes = {"square": "mostly", "late": "number 6"}
    found = await proved(lab(DOUBLED, MOSTLY, mistakes=mistakes))
    assert found["square"][1] == 7
    assert found["square"][0].holds
    assert found["late"][1] == 7


async def test_a_check_that_needs_all_cases_is_not_asked_before():
    found = await proved(lab(Check("last", "the last is doubled", last)))
    assert {cases for _, cases in found.values()} == {8}
    assert found["square"][0].reason == "rejected: of 8"


@pytest.mark.parametrize(
    ("enough", "cases", "failed"),
    [(None, 8, {"doubled", "last"}), (lambda _: True, 2, {"doubled"})],
)
async def test_a_learner_sees_every_case_and_every_check(
    enough: Callable[[Sequence[object]], bool] | None, cases: int, failed: set[str]
):
    """Only who asks for it is told of the first failure alone."""
    one = lab(DOUBLED, Check("last", "the last is doubled", last))
    grader = Grader(lab=one, backend=Scripted(["-"]), runs=None, enough=enough)
    reports = list[StepReport]()
    finished = 0
    async for event in grader.step_events(one.steps[0], one.steps[0].wrong["square"]):
        finished += isinstance(event, CaseFinished)
        if isinstance(event, StepFinished):
            reports.append(event.report)
    assert finished == cases
    assert {check.id for check in reports[0].checks if not check.passed} == failed
    assert not reports[0].passed
