"""The short ways to declare a step, and the checks that look at every case."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from agentlab.agent.agent import Agent
from agentlab.backends.scripted import Scripted
from agentlab.events import UnknownEvent
from agentlab.labs import AgentAnswer, Attempt, Case, CaseRun, CodeAnswer, CodeStep, Lab, ReadStep
from agentlab.labs.checks import ended, every, printed, told
from agentlab.labs.declare import Answers, Drawn, agent_step, code_step, programs, shell_step
from agentlab.labs.find import load
from agentlab.messages import Message, ToolCall, Usage
from agentlab.tooling import tool
from agentlab.trace.reading import Trace

WARNED = '{"lines": 2}\n<cell>:3: RuntimeWarning: overflow\n'


async def run_that_printed(text: str | None, folder: Path, case: Case) -> CaseRun:
    """A real run whose one call returned a text; without one, a run that called nothing."""

    @tool
    def show() -> str:
        """Show it."""
        if text is None or text.startswith("!"):
            raise ValueError(text)
        return text

    call = Message.assistant(ToolCall(id="1", name="show", arguments="{}"))
    replies = ["done"] if text is None else [call, "done"]
    agent = Agent(backend=Scripted(replies), tools=[show], runs=folder)
    result = await agent.run("Go on.")
    assert result.path is not None
    known = [e for e in Trace.load(result.path).events if not isinstance(e, UnknownEvent)]
    return CaseRun(case, result.run, tuple(known), (), Usage(), "done")


def cases(rng: Random, count: int) -> list[Case]:
    return [Case(str(rng.randint(0, 9))) for _ in range(count)]


def test_a_program_declared_shortly_is_the_one_declared_at_length():
    answers = programs(
        starter="\na\n\n",
        solution="b",
        wrong={"off": "c"},
        also={"again": "d"},
        mistakes={"off": "right"},
    )
    checks = (every("right", "it is right", lambda shown, expect: None),)
    drawn = Drawn(cases, practice=2, graded=5)
    assert code_step("one", answers, drawn, hints=("look",), checks=checks) == CodeStep(
        id="one",
        cases=cases,
        practice=2,
        graded=5,
        starter=CodeAnswer(code="a\n"),
        solution=CodeAnswer(code="b\n"),
        wrong={"off": CodeAnswer(code="c\n")},
        also={"again": CodeAnswer(code="d\n")},
        mistakes={"off": "right"},
        hints=("look",),
        checks=checks,
    )
    script = shell_step("one", answers, drawn, hints=(), checks=checks, runs_on="run_script")
    assert (script.language, script.runs_on, script.also) == ("bash", "run_script", answers.also)


def test_an_agent_declared_shortly_has_all_its_answers():
    known = {name: AgentAnswer(instructions=name) for name in ("s", "right", "off", "again")}
    answers = Answers(
        starter=known["s"],
        solution=known["right"],
        wrong={"off": known["off"]},
        also={"again": known["again"]},
        mistakes={"off": "right"},
    )
    drawn = Drawn(cases, practice=2, graded=5)
    step = agent_step("one", answers, drawn, tools=("show",), hints=("look",), checks=())
    assert (step.starter, step.solution) == (known["s"], known["right"])
    assert (step.wrong, step.also, step.mistakes) == (answers.wrong, answers.also, answers.mistakes)
    assert (step.practice, step.graded, step.tools, step.hints) == (2, 5, ("show",), ("look",))


def test_a_steps_title_is_the_heading_of_its_section(tmp_path: Path):
    folder = tmp_path / "m9" / "small"
    folder.mkdir(parents=True)
    (folder / "lab.py").write_text(
        "from agentlab.labs import Lab, ReadStep\n"
        "steps = (ReadStep(id='one'), ReadStep(id='two', title='Of its own'))\n"
        "lab = Lab(id='m9/small', title='Small', teaches=(), minutes=1, steps=steps)\n"
    )
    (folder / "lesson.md").write_text(
        "# Small\n\n## To begin {#one}\nText.\n\n## Else {#two}\nMore.\n"
    )
    assert [step.title for step in load(folder).steps] == ["To begin", "Of its own"]


async def test_what_a_case_printed_is_found_above_the_warnings_of_a_program(tmp_path: Path):
    run = await run_that_printed(WARNED, tmp_path, Case("x"))
    assert told(run) == {"lines": 2}
    assert told(await run_that_printed('[1]\n"2"', tmp_path, Case("x"))) == {}
    assert told(await run_that_printed('{"a": 1}\n{"a": 2}', tmp_path, Case("x"))) == {"a": 2}
    assert told(await run_that_printed('!{"lines": 2}', tmp_path, Case("x"))) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(None, "it was not run", id="no-call"),
        ("", "it printed nothing"),
        ("Traceback\nNameError: no such name\n", "NameError: no such name"),
        pytest.param("y" * 300, "y" * 159 + "…", id="long"),
    ],
)
async def test_how_a_run_ended_is_one_short_line(text: str | None, says: str, tmp_path: Path):
    assert ended(await run_that_printed(text, tmp_path, Case("x"))) == says


def off(shown: object, expect: object) -> str | None:
    return None if shown == expect else f"it is {shown}, not {expect}"


async def test_every_case_must_hold_and_the_first_that_does_not_is_named(tmp_path: Path):
    check = every("right", "all are right", off, read=printed)
    wanted = [("1", 1, "one"), ("3", 2, "two"), ("4", 3, "three"), ("oh", 4, "four")]
    runs = [
        await run_that_printed(text, tmp_path, Case("x", expect, title=title))
        for text, expect, title in wanted
    ]
    attempt = Attempt(CodeAnswer(code=""), tuple(runs))
    assert check.judge(attempt).reason == "right in 1 of 4 cases; two: it is 3, not 2"
    assert not check.judge(attempt).passed
    good = check.judge(Attempt(attempt.answer, tuple(runs[:1])))
    assert (good.passed, good.reason) == (True, "right in 1 of 1 cases")
    broken = check.judge(Attempt(attempt.answer, tuple(runs[3:])))
    assert broken.reason == "right in 0 of 1 cases; four: oh"


def test_a_check_of_every_case_does_not_hold_of_none():
    verdict = every("right", "all are right", off).judge(Attempt(CodeAnswer(code="")))
    assert (verdict.passed, verdict.reason) == (False, "nothing was run")


def test_a_lab_takes_steps_of_either_kind():
    step = code_step(
        "one",
        programs(starter="", solution="", wrong={}),
        Drawn(cases, practice=1, graded=1),
        hints=(),
        checks=(),
        runs_on="show",
    )
    with pytest.raises(Exception, match="no tool named 'show'"):
        Lab(id="m9/x", title="X", teaches=(), minutes=1, steps=(ReadStep(id="read"), step))
