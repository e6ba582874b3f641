"""The numbers in the lesson, made again: `python scenarios/m0/python-core/measure.py`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agentlab.backends.scripted import Scripted
from agentlab.labs import CodeAnswer, CodeStep
from agentlab.labs.checks import printed
from agentlab.labs.find import load
from agentlab.labs.runner import CaseFinished, Grader

LAB = load(Path(__file__).parent)
SEEDS = range(6)


async def share(step: CodeStep, answer: CodeAnswer) -> str:
    """How many traces an answer reads rightly."""
    right = of = 0
    for seed in SEEDS:
        grader = Grader(lab=LAB, backend=Scripted(["."]), runs=None, seed=seed)
        async for event in grader.step_events(step, answer):
            if isinstance(event, CaseFinished):
                of += 1
                right += printed(event.run) == event.run.case.expect
    return f"{right} of {of}"


async def main() -> None:
    """Print them."""
    step = LAB.step("calls")
    assert isinstance(step, CodeStep)
    for name in ("any-line-end", "in-the-order-of-results", "what-was-asked-for"):
        print(name, await share(step, step.wrong[name]))


if __name__ == "__main__":
    asyncio.run(main())
