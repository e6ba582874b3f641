"""A lab on the screen: read, run, check, stop, hints, quiz, and one's own answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Static, TextArea
from tui_world import adder, finished, open_app, services, text_of, to_lab, tried, until

from agentlab import backends
from agentlab.backend import Backend
from agentlab.errors import ModelNotFound
from agentlab.events import RunFinished
from agentlab.trace import Trace, runs_in
from agentlab_tui.app import AgentLabApp
from agentlab_tui.engine import Connect
from agentlab_tui.progress import ProgressStore
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.widgets.case import CaseView
from agentlab_tui.widgets.checks import CheckRow
from agentlab_tui.widgets.quiz import Quiz
from agentlab_tui.widgets.run_pane import RunPane
from agentlab_tui.widgets.said import Said

OWN = 'instructions = "Add."\ntools = ["add"]\n'


def progress(home: Path) -> ProgressStore:
    return ProgressStore(home / "progress")


async def test_the_whole_way_from_the_roadmap_to_green_checks_to_the_trace(tmp_path: Path) -> None:
    tried(tmp_path)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot)
        assert "does not calculate" in lab.query_one("Lesson Markdown").source  # pyright: ignore
        await pilot.press("n", "w")
        await finished(pilot)
        assert "the lab's solution, not yours" in str(lab.query_one(RunPane).border_title)
        assert [row.has_class("-passed") for row in lab.query(CheckRow)] == [True, True]
        assert "2 of 2 right, 2 needed" in text_of(lab, "CheckRow .says")
        assert "4 and 3" not in text_of(lab, "CaseHead")
        first, second = lab.query(CaseView)
        assert first.has_class("-folded")
        assert "The sum is 9." in [said.text for said in second.query(Said)]
        assert "a  6" in text_of(lab, "Call")
        assert "← 9.0" in text_of(lab, "Call")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))
        await until(pilot, lambda: "6 records" in text_of(app.screen, "#about"))


async def test_watching_the_reference_passes_nothing(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_lab(pilot, "adder")
        await pilot.press("w")  # not before one has tried
        await pilot.pause()
        assert list(runs_in(tmp_path / "runs")) == []
        await pilot.press("g")
        await finished(pilot, "the starter, as it is · graded")
        await until(pilot, lambda: progress(tmp_path).lab("m9/tiny").mark("adder") == "seen")
        await pilot.press("w")
        await finished(pilot, "the lab's solution, not yours")
        assert app.screen.query("CheckRow.-passed")
        assert progress(tmp_path).lab("m9/tiny").mark("adder") == "seen"


async def test_ones_own_answer_is_saved_as_typed_and_passes_only_on_what_counts(
    tmp_path: Path,
) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        await pilot.press("f7", "delete", *'tools = ["add"]')
        await until(
            pilot,
            lambda: progress(tmp_path).read_text("m9/tiny", "adder.toml") == 'tools = ["add"]',
        )
        await pilot.press("ctrl+r")
        await finished(pilot, "your answer · practice")
        assert progress(tmp_path).lab("m9/tiny").mark("adder") == "seen"
        await pilot.press("g")
        await finished(pilot, "your answer · graded")
        await until(pilot, lambda: progress(tmp_path).lab("m9/tiny").mark("adder") == "passed")
        assert len(lab.query(CaseView)) == 3


async def test_the_starter_comes_back_and_so_does_what_one_wrote(tmp_path: Path) -> None:
    store, app = progress(tmp_path), open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        area = lab.query_one(TextArea)
        starter = area.text
        assert not lab.check_action("reset", ())
        assert not lab.check_action("earlier", ())
        area.load_text(OWN)
        await until(pilot, lambda: store.read_text("m9/tiny", "adder.toml") == OWN)
        await pilot.press("r")
        await finished(pilot, "your answer")
        area.load_text(OWN + "# better")
        await until(pilot, lambda: lab.check_action("reset", ()))
        await pilot.press("x")
        assert area.text == starter
        assert store.read_text("m9/tiny", "adder.toml") == starter
        assert "the starter" in str(lab.query_one("#answer").border_title)
        await pilot.press("z")
        assert area.text == OWN + "# better"
        await pilot.press("z")
        assert area.text == OWN
        assert store.read_text("m9/tiny", "adder.toml") == OWN
        await pilot.press("z")  # round again
        assert area.text == OWN + "# better"
    assert set(store.versions("m9/tiny", "adder.toml")) == {OWN, OWN + "# better"}


async def test_a_reset_that_can_t_keep_what_one_wrote_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "progress" / "m9" / "tiny").mkdir(parents=True)
    (tmp_path / "progress" / "m9" / "tiny" / "earlier").write_text("a file is in the way")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        lab.query_one(TextArea).load_text(OWN)
        await until(pilot, lambda: lab.check_action("reset", ()))
        await pilot.press("x")
        assert lab.query_one(TextArea).text == OWN
        assert "can't be saved" in text_of(lab, "#answer-note")


@pytest.mark.parametrize("pane", ["1", "2", "3"])
async def test_on_80_columns_the_keys_of_the_pane_in_front_are_whole(
    tmp_path: Path, pane: str
) -> None:
    progress(tmp_path).keep_version("m9/tiny", "adder.toml", "earlier")
    progress(tmp_path).save_text("m9/tiny", "adder.toml", OWN)
    tried(tmp_path)
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press(pane)
        await pilot.pause(0.2)
        keys = [key for key in lab.query("FooterKey") if key.display]
        assert len(keys) >= 6
        assert all(key.region.right <= 80 for key in keys)


async def test_a_wrong_answer_turns_checks_red_with_the_reason(tmp_path: Path) -> None:
    progress(tmp_path).save_text("m9/tiny", "adder.toml", 'instructions = "Guess."\n')
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("g")
        await finished(pilot)
        assert [row.has_class("-failed") for row in lab.query(CheckRow)] == [True, True]
        assert "add was called in 0 of 3 cases" in text_of(lab, "CheckRow .says")
        assert progress(tmp_path).lab("m9/tiny").mark("adder") == "seen"


async def test_broken_toml_is_one_line_and_nothing_runs(tmp_path: Path) -> None:
    progress(tmp_path).save_text("m9/tiny", "adder.toml", "tools = [oops")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await until(pilot, lambda: "not valid TOML" in text_of(lab, "#answer-note"))
        assert not lab.query_one(RunPane).is_running
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        assert list(runs_in(tmp_path / "runs")) == []


async def test_a_stop_in_mid_run_keeps_the_trace_and_leaves_the_checks_open(
    tmp_path: Path,
) -> None:
    app = open_app(tmp_path, adder(pace=0.5))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await until(pilot, lambda: lab.query(Said))
        await pilot.press("escape")
        await finished(pilot)
        assert app.screen is lab
        assert "stopped" in str(lab.query_one("RunStatus", Static).render())
        assert not lab.query("CheckRow.-passed, CheckRow.-failed")
        (path,) = runs_in(tmp_path / "runs")
        assert Trace.load(path).events[-1] == RunFinished(outcome="cancelled")
        await pilot.press("r")
        await until(pilot, lambda: lab.query(Said))


async def test_quitting_in_mid_run_leaves_a_whole_trace(tmp_path: Path) -> None:
    app = open_app(tmp_path, adder(pace=0.5))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await until(pilot, lambda: lab.query(Said))
        await pilot.press("q")
    (path,) = runs_in(tmp_path / "runs")
    assert Trace.load(path).events[-1] == RunFinished(outcome="cancelled")


async def test_keys_are_answered_while_the_model_blocks_its_thread(tmp_path: Path) -> None:
    import threading

    held = threading.Event()
    connect = adder()

    def slow(name: str) -> Backend:
        held.wait(10)
        return connect(name)

    tried(tmp_path)
    app = open_app(tmp_path, slow)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("w", "h")
        await until(pilot, lambda: lab.query(".hint"))
        assert lab.query_one(RunPane).is_running
        held.set()
        await finished(pilot)
        assert lab.query("CheckRow.-passed")


async def test_hints_come_one_by_one_from_nudge_to_answer(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("h")
        await until(pilot, lambda: len(lab.query(".hint")) == 1)
        assert "What could the agent do" in text_of(lab, ".hint")
        await pilot.press("h", "h", "h")
        await until(pilot, lambda: len(lab.query(".hint")) == 3)
        assert 'tools = ["add"]' in text_of(lab, ".hint")


async def test_a_quiz_is_answered_by_letter_and_remembered(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "quiz")
        await until(pilot, lambda: isinstance(app.focused, Quiz))
        await pilot.press("a", "enter")
        await until(pilot, lambda: "The model only asked" in text_of(lab, "#verdict"))
        assert progress(tmp_path).lab("m9/tiny").mark("quiz") != "passed"
        await pilot.press("a", "b", "enter")
        await until(pilot, lambda: progress(tmp_path).lab("m9/tiny").mark("quiz") == "passed")
        assert "The loop ran the tool" in text_of(lab, "#verdict")
        await pilot.press("p")
        await pilot.pause()
        await pilot.press("n")
        await until(pilot, lambda: lab.query_one(Quiz).chosen == ("b",))


async def test_a_quiz_can_be_answered_with_arrows_and_space(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "quiz")
        await until(pilot, lambda: isinstance(app.focused, Quiz))
        await pilot.press("down", "space", "enter")
        await until(pilot, lambda: "The loop ran the tool" in text_of(lab, "#verdict"))


async def test_a_lab_opens_where_one_left_off(tmp_path: Path) -> None:
    progress(tmp_path).set_last("m9/tiny", "quiz")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "quiz")
        await until(pilot, lambda: lab.query_one(Quiz).display)


async def test_a_missing_model_is_said_and_the_app_lives_on(tmp_path: Path) -> None:
    def connect(name: str) -> Backend:
        raise ModelNotFound("no model [bold]tiny[/]: pip install it")

    app = open_app(tmp_path, connect)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await finished(pilot)
        assert "✘ no model [bold]tiny[/]: pip install it" in text_of(lab, "RunStatus")
        await pilot.press("n")
        await until(pilot, lambda: lab.step.id == "quiz")


async def test_a_home_that_cant_be_written_is_said_and_what_was_typed_still_runs(
    tmp_path: Path,
) -> None:
    (tmp_path / "progress").write_text("a file is in the way")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        lab = await to_lab(pilot, "adder")
        lab.query_one(TextArea).load_text(OWN)
        await until(pilot, lambda: "can't be saved" in text_of(lab, "#answer-note"))
        await pilot.press("r")
        await finished(pilot, "your answer")
        assert lab.query("CheckRow.-passed")


async def test_a_run_folder_that_cant_be_written_is_said_in_the_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file is in the way")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await finished(pilot)
        assert "can't be written" in text_of(lab, ".note")
        assert lab.query("CheckRow.-failed")


async def test_text_of_a_model_is_never_markup_nor_control(tmp_path: Path) -> None:
    from agentlab.backends.scripted import Scripted

    evil = "[red]red[/red] \x1b[2J\x1b]0;title\x07 [@click=app.quit]go[/] \u202e reversed ["
    app = open_app(tmp_path, lambda _: Scripted([evil] * 9))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await finished(pilot)
        shown = text_of(lab, "Said") + text_of(lab, "CaseHead")
        assert "[red]red[/red] ␛[2J␛]0;title␇ [@click=app.quit]go[/]" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


async def test_on_a_narrow_screen_it_is_said_whose_answer_is_edited(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("2")
        whose = lab.query_one("#answer-whose", Static)
        await until(pilot, lambda: whose.region in lab.region and whose.region.height == 1)
        assert str(whose.render()) == "the starter: r runs it, e makes it yours"
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        await pilot.press("x")
        await until(pilot, lambda: str(whose.render()) == "your answer, saved as you type")
        await pilot.resize_terminal(120, 36)  # there the frame says it
        await until(pilot, lambda: not whose.display)
        assert "your answer, saved as you type" in str(lab.query_one("#answer").border_title)


async def test_on_a_narrow_screen_one_pane_is_in_front(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        lab = await to_lab(pilot, "adder")
        assert lab.query_one("#lesson").region.width == 80
        await pilot.press("2")
        await until(pilot, lambda: lab.query_one("#answer").region.width == 80)
        await pilot.press("1", "r")
        await until(pilot, lambda: lab.query_one("#run").region.width == 80)
        await finished(pilot)
        assert "the starter, as it is" in text_of(lab, "#whose")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        await pilot.press("x", "escape")
        await until(pilot, lambda: lab.query_one("#lesson").region.width == 80)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not lab)


async def test_a_case_unfolds_by_mouse_and_opens_its_trace_by_key(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 50)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await finished(pilot)
        first = lab.query(CaseView).first()
        await pilot.click(first.query_one("CaseHead"))
        assert not first.has_class("-folded")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))
        assert first.trace is not None
        run = first.trace.stem
        await until(pilot, lambda: run in text_of(app.screen, "TopBar"))


async def test_the_starter_runs_as_it_is_and_passes_nothing(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await finished(pilot, "the starter, as it is")
        assert lab.query("CheckRow.-failed")


@pytest.mark.slow
async def test_the_real_model_answers_on_the_screen(tmp_path: Path) -> None:
    tried(tmp_path)
    connect: Connect = backends.connect
    app = AgentLabApp(replace(services(tmp_path, connect), backend="local:smollm2"))
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("w")
        await finished(pilot, "the lab's solution", seconds=240)
        assert "local:smollm2" in text_of(lab, "TopBar")
        assert len(lab.query("CheckRow.-passed, CheckRow.-failed")) == 2
        first, second = lab.query(CaseView)
        assert all(view.trace and Trace.load(view.trace).events for view in (first, second))


async def test_what_was_passed_looks_passed_when_it_is_opened_again(tmp_path: Path) -> None:
    progress(tmp_path).set_passed("m9/tiny", "adder", 1_764_000_000.0)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        assert len(lab.query("CheckRow.-passed")) == len(lab.query("CheckRow")) == 2
        assert "✔ passed 2025-11-2" in str(lab.query_one("RunStatus", Static).render())
        await pilot.press("r")  # the starter is wrong, and that shows, whatever was passed
        await finished(pilot)
        assert lab.query("CheckRow.-failed")


async def test_the_answer_stands_out_and_the_question_does_not(tmp_path: Path) -> None:
    tried(tmp_path)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("w")
        await finished(pilot)
        answers = [said.text for said in lab.query("Said.-answer").results(Said)]
        assert len(answers) == 2
        assert all(text.startswith("The sum is") for text in answers)
        head = lab.query("CaseHead").last(Static).render()
        assert not any("bold" in str(span.style) for span in head.spans)  # pyright: ignore
