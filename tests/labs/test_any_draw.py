"""The programs of labs hold on any draw of their cases, and what a machine lacks is said."""

from __future__ import annotations

from random import Random

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.labs import CodeStep, Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import Grader, StepFinished
from agentlab_tools.execute import CellResult, Sandbox

DRAWN = (
    ("m0/bash", "tally"),
    ("m0/bash", "unfinished"),
    ("m0/git", "deliver"),
    ("m0/git", "search"),
    ("m0/linear-algebra", "layer"),
    ("m0/linear-algebra", "without"),
    ("m0/linear-algebra", "turn"),
    ("m0/linear-algebra", "halves"),
    ("m1/pytorch", "net"),
    ("m1/pytorch", "loop"),
)
"""Steps whose cases differ in kind, and which need no model to be tried."""


def lab_of(id: str) -> Lab:
    return load(find_folder(id, lab_roots()))


@pytest.mark.parametrize(("id", "practised"), [("m0/bash", True), ("m0/git", False)])
def test_every_trap_is_met_when_grading(id: str, practised: bool):
    """And where practice is said to begin with the first ones, it does."""
    for step in lab_of(id).steps:
        if isinstance(step, CodeStep):
            titles = [case.title for case in step.cases(Random(3), step.graded)]
            assert len(set(titles)) == step.graded
            if practised:
                tried = [case.title for case in step.cases(Random(3), step.practice)]
                assert tried == titles[: step.practice]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("id", "step_id"), DRAWN)
async def test_the_solution_holds_on_ten_draws(id: str, step_id: str):
    lab = lab_of(id)
    step = lab.step(step_id)
    for seed in range(10):
        grader = Grader(lab=lab, backend=Scripted(["never asked"]), runs=None, seed=seed)
        async for event in grader.step_events(step, step.solution):
            if isinstance(event, StepFinished):
                assert [c.reason for c in event.report.checks if not c.passed] == [], seed


@pytest.mark.parametrize(
    ("id", "lacks", "says"),
    [
        ("m0/bash", "there is no shell here", "needs bash inside the sandbox"),
        ("m0/git", "git: command not found", "needs git and bash inside the sandbox"),
    ],
)
async def test_what_the_sandbox_lacks_is_said_in_one_line(
    id: str, lacks: str, says: str, monkeypatch: pytest.MonkeyPatch
):
    async def nothing(*_: object, **__: object) -> CellResult:
        return CellResult(outcome="error", error=lacks)

    monkeypatch.setattr(Sandbox, "run_shell", nothing)
    with pytest.raises(ConfigError, match=says) as raised:
        async with lab_of(id).equip():
            pass
    assert "\n" not in str(raised.value)
