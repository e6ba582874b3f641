"""Whoever does not know the keys finds them: in the palette, and at the foot of the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, TextArea
from tui_world import (
    finished,
    open_app,
    to_lab,
    to_roadmap,
    tried,
    until,
)

from agentlab.backends.scripted import Scripted
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.screens.runs import RunsScreen
from agentlab_tui.widgets.case import CaseHead, CaseView
from agentlab_tui.widgets.quiz import Option, Quiz


def foot(pilot: Pilot[None]) -> dict[str, str]:
    """The keys at the foot of the screen, and what they do."""
    keys = pilot.app.screen.query("FooterKey").results()
    return {key.key_display: key.description for key in keys if key.display}  # pyright: ignore


def offered(pilot: Pilot[None]) -> list[str]:
    """What the palette would offer."""
    return [said.title for said in pilot.app.get_system_commands(pilot.app.screen)]


async def by_palette(pilot: Pilot[None], title: str) -> None:
    """Do something by its name."""
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
    await pilot.press(*title)
    found = pilot.app.screen.query_one(CommandList)
    await until(pilot, lambda: found.option_count and found.highlighted == 0)
    await until(pilot, lambda: str(found.get_option_at_index(0).prompt).startswith(f"{title}\n"))
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, CommandPalette))


async def test_all_that_can_be_done_in_a_lab_stands_in_the_palette(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        lab = await to_lab(pilot, "adder")
        assert {"Run", "Grade", "Edit", "Form", "Hint", "Next", "Help", "Quit"} <= {*offered(pilot)}
        assert not {"Solution", "Reset", "Stop"} & {*offered(pilot)}
        lab.query_one(TextArea).load_text('instructions = "Guess."\n')
        await until(pilot, lambda: "Reset" in offered(pilot))
        await by_palette(pilot, "Run")
        await finished(pilot, "your answer")
        assert {"Solution", "Reset"} <= {*offered(pilot)}
        await by_palette(pilot, "Reset")
        assert "Answer the question." in lab.query_one(TextArea).text
        assert "Earlier" in offered(pilot)
        titles = offered(pilot)
        assert len(titles) == len({*titles})


async def test_the_palette_begins_with_what_can_be_done_here_and_ends_with_the_labs(
    tmp_path: Path,
) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_lab(pilot, "adder")
        expected = [*offered(pilot), "Open lab m9/tiny"]
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.query(CommandList))
        listed = app.screen.query_one(CommandList)
        await until(pilot, lambda: listed.option_count >= len(expected))
        prompts = [str(option.prompt).partition("\n")[0].strip() for option in listed.options]
        assert prompts[: len(expected)] == expected
        assert prompts[0] in {"Run", "Back"}


async def test_on_a_narrow_screen_enter_leads_from_the_lesson_to_the_quiz(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        lab = await to_lab(pilot, "quiz")
        await until(pilot, lambda: foot(pilot).get("⏎") == "Answer")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, Quiz))
        assert lab.has_class("-front-quiz")
        await until(pilot, lambda: foot(pilot).get("⏎") == "Check")


@pytest.mark.parametrize("place", ["roadmap", "runs"])
async def test_a_search_says_how_one_leaves_it(place: str, tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        if place == "runs":
            await pilot.press("t")
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        assert foot(pilot)["/"] == "Search"
        await pilot.press("slash", *"m9/t")
        assert app.screen.query_one(Input).value == "m9/t"
        await until(pilot, lambda: foot(pilot).get("⏎") == "To the list")
        assert "esc" in foot(pilot)
        assert "/" not in foot(pilot)  # it would be typed
        await pilot.press("escape")
        if place == "roadmap":
            await until(pilot, lambda: "esc" not in foot(pilot))
            assert isinstance(app.screen, RoadmapScreen)


async def test_a_folded_case_is_two_lines_however_long_its_answer(tmp_path: Path) -> None:
    tried(tmp_path)
    app = open_app(tmp_path, lambda name: Scripted(lambda *_: "It is so. " * 60, name=name))
    async with app.run_test(size=(80, 24)) as pilot:
        lab = await to_lab(pilot, "adder")
        await pilot.press("r")
        await finished(pilot)
        (folded,) = [case for case in lab.query(CaseView) if case.has_class("-folded")]
        assert folded.query_one(CaseHead).size.height == 2


async def test_an_option_that_wraps_stays_in_its_column_and_is_chosen_by_a_click(
    tmp_path: Path,
) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(34, 24)) as pilot:
        lab = await to_lab(pilot, "quiz")
        await pilot.press("enter")
        long = lab.query(Option)[1].query_one(".says")
        await until(pilot, lambda: long.size.height == 2)
        first, second = (line.text for line in (long.render_line(0), long.render_line(1)))
        assert first.split()[:2] == ["the", "tool,"]
        assert second.strip()
        await pilot.click(long, offset=(1, 1))
        await until(pilot, lambda: lab.query_one(Quiz).chosen == ("b",))
