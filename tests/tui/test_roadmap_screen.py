"""The roadmap on the screen, and the keys that work everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, Static
from tui_world import LABS, open_app, text_of, to_lab, to_roadmap, until

from agentlab.labs.course import course
from agentlab_tui.progress import ProgressStore
from agentlab_tui.screens.help import HelpScreen
from agentlab_tui.screens.lab import LabScreen
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.widgets.roadmap_list import RoadmapList


def listed(roadmap: RoadmapScreen) -> str:
    return "\n".join(str(option.prompt) for option in roadmap.query_one(RoadmapList).options)


async def test_every_module_is_there_with_its_labs_and_how_far_one_is(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path / "progress")
    for step in ("why", "adder", "quiz"):
        store.set_passed("m9/tiny", step, 1.0)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        text = listed(await to_roadmap(pilot))
        assert all(module.title in text for module in course().modules)
        assert "✔ Sums, by tool" in text
        assert "1 of 1 passed" in text
        assert "5 min" in text
        await until(pilot, lambda: "give an agent a tool" in text_of(app.screen, "#card Static"))


async def test_a_search_shows_only_labs_that_match(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        roadmap = await to_roadmap(pilot)
        await pilot.press("slash", *"sums")
        await until(pilot, lambda: "Prerequisites" not in listed(roadmap))
        assert "Sums, by tool" in listed(roadmap)
        await pilot.press(*"xx")
        await until(pilot, lambda: "no lab matches" in listed(roadmap))
        await pilot.press("escape")
        await until(pilot, lambda: "Prerequisites" in listed(roadmap))
        assert not roadmap.query_one(Input).display


async def test_a_found_lab_opens_with_enter_twice(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("slash", *"tiny", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_a_bad_lab_says_why_and_the_others_open(tmp_path: Path) -> None:
    bad = tmp_path / "labs" / "m5" / "bad"
    bad.mkdir(parents=True)
    (bad / "lab.py").write_text("raise RuntimeError('[bold]no[/]')")
    app = open_app(tmp_path, roots=(tmp_path / "labs", LABS))
    async with app.run_test(size=(120, 36)) as pilot:
        roadmap = await to_roadmap(pilot)
        assert "✘ m5/bad" in listed(roadmap)
        await pilot.press("home")
        await until(pilot, lambda: "RuntimeError: [bold]no[/]" in text_of(roadmap, "#card Static"))
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is roadmap
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_marks_are_new_when_one_comes_back_from_a_lab(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_lab(pilot)
        await pilot.press("n", "escape")
        await until(pilot, lambda: isinstance(app.screen, RoadmapScreen))
        await until(pilot, lambda: "✔ Why a tool" in text_of(app.screen, "#card Static"))


async def test_help_lists_the_keys_of_the_screen_below(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_lab(pilot, "adder")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        keys = text_of(app.screen, "#keys")
        assert "Try the answer on a few practice cases" in keys
        assert "The next hint, from nudge to answer" in keys
        await pilot.press("escape")
        assert isinstance(app.screen, LabScreen)


async def test_the_palette_opens_a_lab(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"m9/tiny")
        await until(pilot, lambda: app.screen.query("CommandList > .option-list--option") or True)
        await pilot.pause(0.6)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_ink_and_paper_are_one_key_apart(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("ctrl+t")
        assert not app.current_theme.dark
        await pilot.press("ctrl+t")
        assert app.current_theme.dark


@pytest.mark.slow
async def test_any_theme_of_textual_fits(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_lab(pilot, "adder")
        for theme in app.available_themes:
            app.theme = theme
            await pilot.pause()
        assert isinstance(app.screen, LabScreen)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_q_and_ctrl_q_quit(tmp_path: Path, key: str) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


async def test_ctrl_c_does_not_quit_but_says_what_does(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await to_roadmap(pilot)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.screen.query("Toast"))
        assert app.is_running


@pytest.mark.parametrize("step", ["why", "adder", "quiz"])
async def test_any_size_is_survived(tmp_path: Path, step: str) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = await to_lab(pilot, step)
        for size in ((80, 24), (20, 5), (1, 1), (120, 36)):
            await pilot.resize_terminal(*size)
            await pilot.press("h")
            await pilot.pause()
        assert app.screen is lab
        await pilot.press("question_mark")
        await pilot.resize_terminal(20, 5)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, RoadmapScreen))
        await pilot.resize_terminal(120, 36)


async def test_no_color_leaves_only_grey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        strip = app.screen._compositor.render_strips()[2]
        colours = {s.style.color.triplet for s in strip if s.style and s.style.color}
        assert colours
        assert all(c and c.red == c.green == c.blue for c in colours)


async def test_the_footer_and_the_bar_name_what_there_is(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        roadmap = await to_roadmap(pilot)
        assert "Roadmap" in str(roadmap.query_one("TopBar", Static).render())
        keys = {key.description for key in roadmap.query("FooterKey").results()}  # pyright: ignore
        assert {"Search", "Runs", "Help", "Quit"} <= keys
