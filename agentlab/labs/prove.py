"""Proof that a lab's checks can tell right from wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from agentlab.backend import Backend
from agentlab.labs.answers import Answer
from agentlab.labs.runner import Grader, StepFinished
from agentlab.labs.values import Lab, QuizStep, ReadStep, Step
from agentlab.messages import Value


class Proof(Value):
    """One answer, and whether it was judged as it should be."""

    step: str
    answer: str
    """`solution`, `starter`, or the name of another right answer, or of a wrong one."""
    holds: bool
    reason: str


async def prove(lab: Lab, backend: Backend) -> AsyncIterator[Proof]:
    """Grade the solution, its alternatives, the starter and every wrong answer of every step."""
    grader = Grader(lab=lab, backend=backend, runs=None)
    for step in lab.steps:
        if not step.checks:
            continue
        answers: dict[str, Answer] = {
            "solution": step.solution,
            **alternatives(step),
            "starter": step.starter,
            **step.wrong,
        }
        good = {"solution", *alternatives(step)}
        for name, answer in answers.items():
            async for event in grader.step_events(step, answer):
                if isinstance(event, StepFinished):
                    report = event.report
                    failed = [check.reason for check in report.checks if not check.passed]
                    passed = [check.reason for check in report.checks if check.passed]
                    yield Proof(
                        step=step.id,
                        answer=name,
                        holds=report.passed == (name in good),
                        reason="rejected: " + "; ".join(failed)
                        if failed
                        else "accepted: " + "; ".join(passed),
                    )


def alternatives(step: Step) -> Mapping[str, Answer]:
    """Other right answers of a step, by name."""
    return {} if isinstance(step, ReadStep | QuizStep) else step.also
