"""What a lab says to a program, by its grader."""

from __future__ import annotations

from agentlab.backends.scripted import Scripted
from agentlab.labs import CodeStep, Lab
from agentlab.labs.answers import CodeAnswer
from agentlab.labs.runner import Grader, StepFinished


async def failed(lab: Lab, step_id: str, code: str, seed: int = 0) -> dict[str, str]:
    """The checks that a program fails, with their reasons."""
    step = lab.step(step_id)
    assert isinstance(step, CodeStep)
    grader = Grader(lab=lab, backend=Scripted(["never asked"]), runs=None, seed=seed)
    reasons: dict[str, str] = {}
    async for event in grader.step_events(step, CodeAnswer(code=code)):
        if isinstance(event, StepFinished):
            reasons |= {one.id: one.reason for one in event.report.checks if not one.passed}
    return reasons
