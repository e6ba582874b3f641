"""The first lab, on the real model: the reference passes, and each check can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab.backend import Backend
from agentlab.backends import connect
from agentlab.scenario.find import Lab, find_folder, load, scenario_roots
from agentlab.scenario.prove import prove
from agentlab.scenario.runner import Grader, LabFinished


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m5/tool-use", scenario_roots()))


@pytest.fixture(scope="module")
def model() -> Backend:
    return connect("local:smollm2")


@pytest.mark.slow
async def test_the_reference_passes_on_the_real_model(lab: Lab, model: Backend, runs: Path):
    grader = Grader(lab=lab, backend=model, runs=runs)
    answers = {step.id: step.solution for step in lab.scenario.steps}
    reports = [e.report async for e in grader.lab_events(answers) if isinstance(e, LabFinished)]
    failed = [c.reason for s in reports[0].steps for c in s.checks if not c.passed]
    assert reports[0].passed, failed


@pytest.mark.slow
async def test_every_wrong_answer_is_rejected_on_the_real_model(lab: Lab, model: Backend):
    missed = [
        f"{proof.step}/{proof.answer}: {proof.reason}"
        async for proof in prove(lab, model)
        if not proof.holds
    ]
    assert missed == []
