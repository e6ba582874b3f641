"""A case of a program is titled by what it tries, never by the grader's code."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from agentlab.labs.attempt import Case
from agentlab.labs.course import lab_roots
from agentlab.labs.find import list_folders, load
from agentlab.labs.runner import CaseStarted
from agentlab.labs.values import CodeStep, Lab, ReadStep

LABS = dict(list_folders(lab_roots()))


def started(lab: Lab, case: Case) -> CaseStarted:
    (step, *_) = (step for step in lab.steps if isinstance(step, CodeStep))
    return CaseStarted(step=step, case=case, number=1, of=1, trace=None)


@pytest.mark.parametrize("folder", LABS.values(), ids=LABS.keys())
def test_every_program_of_the_course_is_told_what_is_tried(folder: Path) -> None:
    for step in load(folder).steps:
        if isinstance(step, CodeStep):
            for case in step.cases(Random(1), step.practice):
                assert case.title, f"{step.id}: {case.input[:60]}"
                assert "\n" not in case.title


def test_without_a_title_code_is_not_shown_and_a_question_is() -> None:
    lab = load(LABS["m5/sandboxed-coder"])
    assert started(lab, Case("print(1)")).title == "your program"
    asked = CaseStarted(
        step=ReadStep(id="a", title="A"), case=Case("Why?"), number=1, of=1, trace=None
    )
    assert asked.title == "Why?"
