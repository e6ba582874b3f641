"""A fork step: a run from a log, taken up at one event, changed there, and gone on with live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agentlab.backends.scripted import Said, Scripted
from agentlab.errors import AgentLabError, LabError
from agentlab.labs import AgentAnswer, Call, Example, ForkAnswer, ForkStep, Then
from agentlab.labs.answers import parse_answer
from agentlab.labs.course import lab_roots
from agentlab.labs.find import load
from agentlab.labs.runner import CaseFinished, Grader, StepFinished
from agentlab.labs.values import Lab
from agentlab.messages import Message, ToolResult
from agentlab.trace import Trace, find_run

DRIVER = Call(name="look_up", arguments={"key": "driver Sara"})


@pytest.fixture
def lab() -> Lab:
    return load(lab_roots()[-1] / "m5" / "multi-step")


def steps_of(run: Any) -> list[str]:
    return [json.loads(call.arguments)["key"] for call, _ in run.calls]


def reads(messages: Sequence[Message], *_: Any) -> Said:
    """Says the number it has just read; else that it is lost."""
    results = [part for part in messages[-1].parts if isinstance(part, ToolResult)]
    said = results[-1].content if results else ""
    return f"Call {said[-10:-1]}." if "phone" in said else "I am lost."


async def tried(lab: Lab, answer: Any, runs: Path | None, step: str = "mend-it") -> Any:
    """The step's report, and the run of its one case."""
    backend = Scripted(reads)
    events = [
        event
        async for event in Grader(lab=lab, backend=backend, runs=runs).step_events(
            lab.step(step), answer
        )
    ]
    (run,) = [event.run for event in events if isinstance(event, CaseFinished)]
    (report,) = [event.report for event in events if isinstance(event, StepFinished)]
    return report, run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def parent(lab: Lab) -> Any:
    step = lab.step("mend-it")
    assert isinstance(step, ForkStep)
    return Trace.load(step.run)


async def test_the_call_takes_the_place_of_the_reply_and_the_rest_is_live(lab: Lab, runs: Path):
    report, run = await tried(lab, ForkAnswer(at=7, call=DRIVER), runs)
    assert report.passed, [check.reason for check in report.checks]
    then = parent(lab)
    assert run.events[:7] == then.events[:7]
    assert steps_of(run) == ["parcel 8125", "van Bison", "driver Sara"]
    # the conversation of this run only, not the examples it began with
    assert run.messages[0].text == then.events[0].messages[-1].text
    child = Trace.load(find_run(runs, run.run))
    assert child.header.parent is not None
    assert (child.header.parent.run, child.header.parent.seq) == (then.header.run, 7)
    assert child.header.labels == {"lab": "m5/multi-step", "step": "mend-it"}


async def test_its_parent_is_among_the_learners_runs_to_be_compared(lab: Lab, runs: Path):
    await tried(lab, ForkAnswer(at=6), runs)
    await tried(lab, ForkAnswer(at=6), runs)
    beside = Trace.load(find_run(runs, parent(lab).header.run))
    assert beside.records == parent(lab).records
    assert len(files := names(runs)) == 3
    assert all(name.endswith(".jsonl") for name in files)


async def test_no_folder_keeps_nothing(lab: Lab, tmp_path: Path):
    report, _ = await tried(lab, ForkAnswer(at=7, call=DRIVER), None)
    assert report.passed
    assert names(tmp_path) == []


async def test_another_result_is_what_the_model_reads(lab: Lab, runs: Path):
    answer = ForkAnswer(at=6, tool_result="The phone is 0642 5617.")
    report, run = await tried(lab, answer, runs)
    assert run.output == "Call 0642 5617."
    reasons = {check.id: check.reason for check in report.checks}
    assert "never looked up" in reasons["right"]


async def test_a_right_mend_at_the_wrong_place_is_told_apart(lab: Lab, runs: Path):
    late, _ = await tried(lab, ForkAnswer(at=10, call=DRIVER), runs)
    early, _ = await tried(lab, ForkAnswer(at=4, call=DRIVER), runs)
    said = [{c.id: (c.passed, c.reason) for c in r.checks}["kept"] for r in (late, early)]
    assert said == [
        (False, "event 10 is behind the right place, so the mistake is kept"),
        (False, "event 4 is before the right place, so good steps are made again"),
    ]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ForkAnswer(at=99), "no event 99"),
        (ForkAnswer(at=6, call=DRIVER), "fork at one of the model's replies"),
        (ForkAnswer(at=4, tool_result="x"), "has no result to replace"),
        (AgentAnswer(), "another kind of answer"),
    ],
)
async def test_a_change_that_does_not_fit_is_one_clear_line(lab, runs, answer, says):
    with pytest.raises(AgentLabError, match=says):
        await tried(lab, answer, runs)


def test_one_thing_is_changed_at_a_time():
    text = 'at = 6\ntool_result = "x"\nprompt = "y"'
    with pytest.raises(LabError, match="not both tool_result and prompt"):
        parse_answer(text, ForkAnswer, "mine")


def test_an_example_can_take_several_calls():
    example = Example(
        user="Whose?",
        tool="look_up",
        arguments={"key": "van"},
        result="Kim",
        then=(Then(arguments={"who": "Kim"}, result="05", tool="call"),),
        answer="05.",
    )
    messages: Any = example.messages(1)
    user, first, kim, second, number, answer = messages
    assert [(m.tool_calls[0].name, m.tool_calls[0].arguments) for m in (first, second)] == [
        ("look_up", '{"key": "van"}'),
        ("call", '{"who": "Kim"}'),
    ]
    assert [m.parts[0].content for m in (kim, number)] == ["Kim", "05"]
    assert len({m.tool_calls[0].id for m in (first, second)}) == 2
    assert (user.text, answer.text) == ("Whose?", "05.")
