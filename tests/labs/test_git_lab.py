"""m0/git: its scripts hold on any draw, and what is asked about is what the histories have."""

from __future__ import annotations

from random import Random

import pytest

from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import Grader, StepFinished
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.execute import CellResult, Sandbox

MODEL = Scripted(["never asked"])


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/git", lab_roots()))


def test_every_kind_of_repository_is_met_when_grading(lab: Lab):
    for step in lab.steps:
        if isinstance(step, CodeStep):
            titles = [case.title for case in step.cases(Random(3), step.graded)]
            assert len(set(titles)) == step.graded


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("step_id", ["deliver", "search"])
async def test_the_solution_holds_on_ten_draws(lab: Lab, step_id: str):
    step = lab.step(step_id)
    for seed in range(10):
        grader = Grader(lab=lab, backend=MODEL, runs=None, seed=seed)
        async for event in grader.step_events(step, step.solution):
            if isinstance(event, StepFinished):
                assert [c.reason for c in event.report.checks if not c.passed] == [], seed


async def test_where_the_sandbox_has_no_git_the_lab_says_so_in_one_line(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    async def no_git(*_: object, **__: object) -> CellResult:
        return CellResult(outcome="error", error="git: command not found")

    monkeypatch.setattr(Sandbox, "run_shell", no_git)
    with pytest.raises(ConfigError, match="needs git and bash inside the sandbox") as raised:
        async with lab.equip():
            pass
    assert "\n" not in str(raised.value)
