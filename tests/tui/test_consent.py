"""In a lab: the learner decides on calls, puts the agent together, and results are kept."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from textual.widgets import Static, TextArea
from tui_world import finished, open_app, text_of, to_lab, tried, until

from agentlab.approval import Decision
from agentlab.messages import ToolCall
from agentlab.trace import Trace, runs_in
from agentlab.trace.results import Results, passed_runs, results_in
from agentlab_tui.consent import Asked, Consent, Question
from agentlab_tui.progress import ProgressStore
from agentlab_tui.widgets.approval import Approval
from agentlab_tui.widgets.call import Call
from agentlab_tui.widgets.case import CaseView
from agentlab_tui.widgets.tool_list import ToolList


async def test_every_call_of_a_lab_waits_for_the_learner_who_wants_to_be_asked(
    tmp_path: Path,
) -> None:
    tried(tmp_path)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("a", "w")
        await until(pilot, lambda: lab.query("Approval:focus"))
        assert "waits for your word" in text_of(lab, "RunStatus")
        await pilot.press("y")
        await until(
            pilot, lambda: len(lab.query("Approval:focus")) == 1 and len(lab.query("CaseView")) == 2
        )
        await pilot.press("y")
        await finished(pilot)
        assert "2 of 2 right" in text_of(lab, "CheckRow .says")
        kinds = [e.kind for path in runs_in(tmp_path / "runs") for e in Trace.load(path).events]
        assert kinds.count("approval_given") == 2


async def test_stopping_while_a_question_is_open_closes_it(tmp_path: Path) -> None:
    tried(tmp_path)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("a", "w")
        await until(pilot, lambda: lab.query("Approval:focus"))
        await pilot.press("s")
        await finished(pilot)
        assert "no longer asked" in text_of(lab, "#question")


async def test_results_are_written_as_the_command_line_does(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path / "progress")
    store.save_text("m9/tiny", "adder.toml", 'instructions = "Add."\ntools = ["add"]\n')
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_lab(pilot, "adder")
        await pilot.press("g")
        await finished(pilot)
    (path,) = results_in(tmp_path / "runs")
    found = Results.load(path)
    assert found.header.kind == "lab"
    assert found.header.about["report"]["lab"] == "m9/tiny"
    assert passed_runs(tmp_path / "runs") == {p.stem: True for p in runs_in(tmp_path / "runs")}


async def test_an_agent_is_put_together_in_a_form_and_saved_as_text(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("f")
        await until(pilot, lambda: getattr(app.focused, "id", "") == "instructions")
        lab.query_one("#instructions", TextArea).load_text("Use the tool.")
        lab.query_one(ToolList).focus()
        await pilot.press("space")
        store = ProgressStore(tmp_path / "progress")
        await until(
            pilot, lambda: 'tools = ["add"]' in (store.read_text("m9/tiny", "adder.toml") or "")
        )
        assert 'instructions = "Use the tool."' in (store.read_text("m9/tiny", "adder.toml") or "")
        await pilot.press("escape", "g")
        await finished(pilot, "your answer · graded")
        await until(pilot, lambda: store.lab("m9/tiny").mark("adder") == "passed")


async def test_a_form_of_what_is_no_agent_is_not_opened(tmp_path: Path) -> None:
    ProgressStore(tmp_path / "progress").save_text("m9/tiny", "adder.toml", "tools = [oops")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("f")
        await until(pilot, lambda: "not valid TOML" in text_of(lab, "#answer-note"))
        assert not lab.query("AnswerEditor.-form")


async def test_calls_made_together_are_asked_about_one_at_a_time() -> None:
    asked: list[Asked] = []

    def tell(question: Question) -> None:
        assert isinstance(question, Asked)
        asked.append(question)

    consent = Consent(tell)
    calls = [ToolCall(id=f"c{n}", name="add", arguments="{}") for n in range(3)]
    waiting = [asyncio.create_task(consent(call)) for call in calls]
    await asyncio.sleep(0.05)
    assert [a.call.id for a in asked] == ["c0"]
    asked[0].answer(Decision(verdict="deny"), False)
    await asyncio.sleep(0.05)
    assert [a.call.id for a in asked] == ["c0", "c1"]
    asked[1].answer(Decision(verdict="allow"), True)  # and every later one
    verdicts = [(await task).verdict for task in waiting]
    assert verdicts == ["deny", "allow", "allow"]
    assert len(asked) == 2


async def test_a_question_says_which_call_it_is_about_and_a_denial_is_told_once(
    tmp_path: Path,
) -> None:
    tried(tmp_path)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("a", "w")
        await until(pilot, lambda: lab.query("Approval:focus"))
        approval = lab.query_one(Approval)
        case = lab.query(CaseView).last()
        blocks = list(case.flow.children)
        assert isinstance(blocks[blocks.index(approval) - 1], Call)
        (number,) = set(re.findall(r"a  (\d+)", text_of(lab, "Call")))
        assert f"a  {number}" in text_of(lab, "Approval #about")
        await pilot.press("d")
        await until(pilot, lambda: "denied" in text_of(case, "Call"))  # pyright: ignore
        assert not approval.display
        assert "y" not in lab.active_bindings
        said = [str(s.render()) for s in case.flow.query(Static).results(Static) if s.display]
        told = [s for s in said if "said no" in s and s not in text_of(lab, "Approval")]
        assert len(told) == 1
        await pilot.press("s")
        await finished(pilot)
