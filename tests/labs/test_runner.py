"""Answers are tried on every case, judged by behaviour, and reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from small_lab import write_lab

from agentlab.backend import Settings, ToolSpec
from agentlab.backends.scripted import Said, Scripted
from agentlab.errors import BackendError, LabError
from agentlab.labs.answers import AgentAnswer, Answer, CodeAnswer, QuizAnswer, read_answer
from agentlab.labs.declare import quiz, right, wrong
from agentlab.labs.find import load
from agentlab.labs.junit import write_junit
from agentlab.labs.prove import prove
from agentlab.labs.runner import (
    AgentEvent,
    CaseFinished,
    CheckDone,
    Grader,
    LabFinished,
    LabReport,
    StepFinished,
)
from agentlab.labs.values import AgentStep, CodeStep, Lab, answer_name
from agentlab.messages import Message, ToolCall
from agentlab.trace import Trace, find_run, runs_in


def adds(messages: Sequence[Message], tools: Sequence[ToolSpec], settings: Settings) -> Said:
    """Calls `add` if it has it, and answers with what it returned; else guesses."""
    last = messages[-1]
    if last.role == "tool":
        return f"The answer is {last.parts[0].content}."  # type: ignore[union-attr]
    if not tools:
        return "The answer is 7."
    a, b = last.text.split(" + ")
    call = ToolCall(id="call_1", name="add", arguments=f'{{"a": {a}, "b": {b}}}')
    return Message.assistant(call)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return load(write_lab(tmp_path))


async def grade(grader: Grader, answers: Mapping[str, Answer]) -> LabReport:
    reports = [e.report async for e in grader.lab_events(answers) if isinstance(e, LabFinished)]
    assert len(reports) == 1
    return reports[0]


async def test_the_reference_solutions_pass_and_leave_a_labelled_trace_each(lab: Lab, runs: Path):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=runs)
    report = await grade(grader, {step.id: step.solution for step in lab.steps})
    assert report.passed
    assert [step.passed for step in report.steps] == [True, True, True]
    add = report.steps[1]
    assert len(add.runs) == 2
    trace = Trace.load(find_run(runs, add.runs[0]))
    assert trace.header.labels == {"lab": "m9/adding", "step": "add"}


async def test_practice_tries_fewer_cases(lab: Lab):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None, practice=True)
    step = lab.step("add")
    events = [e async for e in grader.step_events(step, step.solution)]
    assert sum(isinstance(e, CaseFinished) for e in events) == 1


async def test_events_come_in_order_and_carry_the_agents_own(lab: Lab):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None)
    step = lab.step("add")
    kinds = [
        e.event.kind if isinstance(e, AgentEvent) else type(e).__name__
        async for e in grader.step_events(step, step.solution)
    ]
    wanted = ["StepStarted", "CaseStarted", "run_started", "tool_started", "tool_finished"]
    positions = [kinds.index(kind) for kind in wanted]
    assert positions == sorted(positions)
    assert kinds[-2:] == ["CheckDone", "StepFinished"]


async def test_a_wrong_answer_fails_and_the_reason_shows_a_case(lab: Lab):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None)
    report = await grade(grader, {"add": AgentAnswer(instructions="guess")})
    assert not report.passed
    assert "0 of 2 right, 2 needed" in report.steps[0].checks[0].reason
    assert "'2 + 3' ended with 'The answer is 7.'" in report.steps[0].checks[0].reason


async def test_a_case_run_shows_what_the_agent_did_without_its_opening(lab: Lab):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None)
    step = lab.step("add")
    runs = [
        e.run async for e in grader.step_events(step, step.solution) if isinstance(e, CaseFinished)
    ]
    assert [m.role for m in runs[0].messages] == ["user", "assistant", "tool", "assistant"]
    ((call, result),) = runs[0].calls
    assert (call.name, result.content) == ("add", "5")
    assert runs[0].output == "The answer is 5."


async def test_runs_that_all_fail_fail_every_check_with_the_reason(lab: Lab):
    def breaks(*_: object) -> Said:
        raise BackendError("the model is gone")

    grader = Grader(lab=lab, backend=Scripted(breaks), runs=None)
    report = await grade(grader, {"add": lab.step("add").solution})
    assert not report.passed
    assert "every run failed: the model is gone" in report.steps[0].checks[0].reason


async def test_a_tool_that_the_step_does_not_have_is_refused(lab: Lab):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None)
    with pytest.raises(LabError, match="no tool 'shell'; its tools are: add"):
        await grade(grader, {"add": AgentAnswer(tools=("shell",))})


@pytest.mark.parametrize(
    ("chosen", "passed", "reason"),
    [
        (("a", "c"), True, "yes yes"),
        (("a",), False, "something right is missing"),
        (("a", "b", "c"), False, "no, that is 3"),
        ((), False, "no choice"),
        (("z",), False, "there is no option z"),
    ],
)
async def test_a_quiz_wants_all_right_options_and_no_wrong_one(
    lab: Lab, chosen: tuple[str, ...], passed: bool, reason: str
):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None)
    step = lab.step("quiz")
    verdicts = [
        e.verdict
        async for e in grader.step_events(step, QuizAnswer(chosen=chosen))
        if isinstance(e, CheckDone)
    ]
    assert [(v.passed, v.reason) for v in verdicts] == [(passed, reason)]


async def test_proving_a_lab_tries_the_solution_the_starter_and_every_wrong_answer(lab: Lab):
    proofs = [proof async for proof in prove(lab, Scripted(adds))]
    assert all(proof.holds for proof in proofs)
    tried = {(proof.step, proof.answer) for proof in proofs}
    assert {("add", "solution"), ("add", "starter"), ("add", "guess")} <= tried
    assert {("quiz", "chose-b"), ("quiz", "chose-all")} <= tried


async def test_proving_finds_a_check_that_lets_a_wrong_answer_through(tmp_path: Path):
    lab = load(write_lab(tmp_path))
    proofs = [proof async for proof in prove(lab, Scripted(lambda *_: "5 or 42"))]
    broken = {(proof.step, proof.answer) for proof in proofs if not proof.holds}
    assert ("add", "solution") in broken


async def test_the_junit_report_has_a_case_for_every_check(lab: Lab, tmp_path: Path):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=None)
    report = await grade(grader, {"add": AgentAnswer(), "quiz": lab.step("quiz").solution})
    write_junit(report, tmp_path / "new" / "report.xml")
    suite = ElementTree.parse(tmp_path / "new" / "report.xml").getroot()
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    assert len(suite.findall("testcase/failure")) == 1


async def test_a_consumer_that_stops_listening_stops_the_agent(lab: Lab, runs: Path):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=runs)
    step = lab.step("add")
    events = grader.step_events(step, step.solution)
    async for event in events:
        if isinstance(event, AgentEvent) and event.event.kind == "tool_started":
            break
    await events.aclose()  # type: ignore[attr-defined]
    trace = Trace.load(find_run(runs, "last"))
    assert trace.events[-1].outcome == "cancelled"  # type: ignore[union-attr]


def test_an_answer_file_is_read_with_its_examples(tmp_path: Path):
    file = tmp_path / "add.toml"
    file.write_text(
        """
instructions = "Add."
tools = ["add"]
settings = { temperature = 0 }

[[examples]]
user = "1 + 1"
tool = "add"
arguments = { a = 1, b = 1 }
result = "2"
answer = "2"
""",
        encoding="utf-8",
    )
    answer = read_answer(file, AgentAnswer)
    assert [m.role for m in answer.shown()] == ["user", "assistant", "tool", "assistant"]
    assert answer.shown()[1].tool_calls[0].arguments == '{"a": 1, "b": 1}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("instructions = ", "not valid TOML"),
        ("instrutcions = 'x'", "instrutcions"),
        ("tools = 5", "tools"),
        ("settings = { temperature = -1 }", r"settings\.temperature"),
    ],
)
def test_a_bad_answer_file_says_where_and_what(tmp_path: Path, text: str, said: str):
    file = tmp_path / "add.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LabError, match=said):
        read_answer(file, AgentAnswer)


async def test_a_step_report_names_the_runs_behind_it(lab: Lab, runs: Path):
    grader = Grader(lab=lab, backend=Scripted(adds), runs=runs)
    step = lab.step("add")
    reports = [
        e.report
        async for e in grader.step_events(step, step.solution)
        if isinstance(e, StepFinished)
    ]
    assert sorted(reports[0].runs) == sorted(path.stem for path in runs_in(runs))


async def test_other_right_answers_are_proved_and_one_that_is_rejected_breaks_the_proof(lab: Lab):
    step = lab.step("add")
    assert isinstance(step, AgentStep)
    terse, silent = step.solution.but(instructions="+"), step.solution.but(tools=())
    doubtful = replace(lab, steps=(replace(step, also={"terse": terse, "silent": silent}),))
    proofs = {proof.answer: proof async for proof in prove(doubtful, Scripted(adds))}
    assert {name: proof.holds for name, proof in proofs.items()} == {
        "solution": True, "terse": True, "silent": False, "starter": True, "guess": True,
    }  # fmt: skip
    assert "rejected" in proofs["silent"].reason


def test_an_answer_but_for_one_thing_keeps_the_rest():
    whole = AgentAnswer(instructions="add", tools=("add",), settings=Settings(temperature=0))
    assert whole.but(tools=()) == AgentAnswer(instructions="add", settings=Settings(temperature=0))


def test_a_quiz_letters_its_options_in_order():
    asked = quiz("q", "Quiz", "?", wrong("no", "since 1"), right("yes", "since 2"), hints=("h",))
    assert asked.options == {"a": "no", "b": "yes"}
    assert asked.right == {"b"}
    assert asked.because == {"a": "since 1", "b": "since 2"}


def test_an_answers_file_is_named_after_its_step_and_what_it_is_written_in(lab: Lab):
    program = CodeStep(
        id="count",
        title="Count",
        cases=lambda _rng, _count: (),
        checks=(),
        starter=CodeAnswer(),
        solution=CodeAnswer(),
        wrong={},
        hints=(),
    )
    assert answer_name(lab.step("add")) == "add.toml"
    assert answer_name(program) == "count.py"
    assert answer_name(replace(program, language="bash")) == "count.sh"
