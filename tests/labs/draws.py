"""The solution of a step, graded on draws beside the one on which every lab is proved."""

from __future__ import annotations

from collections.abc import Sequence

from fuzzing import fuzzing

from agentlab.backend import Backend
from agentlab.backends.scripted import Scripted
from agentlab.labs import CodeStep, Lab
from agentlab.labs.runner import Grader, StepFinished

MANY = range(10)


def draws() -> Sequence[int]:
    """One in the tests, beside the one of the proof; ten in `make fuzz`."""
    return MANY if fuzzing() else MANY[:1]


async def holds_on_any_draw(lab: Lab, step_id: str, backend: Backend | None = None) -> None:
    """Fails with the draw and the reasons; without a backend, no model is to be asked."""
    step = lab.step(step_id)
    assert isinstance(step, CodeStep)
    for seed in draws():
        model = backend or Scripted(["never asked"])
        grader = Grader(lab=lab, backend=model, runs=None, seed=seed)
        async for event in grader.step_events(step, step.solution):
            if isinstance(event, StepFinished):
                failed = [f"{c.id}: {c.reason}" for c in event.report.checks if not c.passed]
                assert not failed, f"seed {seed}: {failed}"
