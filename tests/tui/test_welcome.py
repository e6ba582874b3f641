"""The first start: a short orientation, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot
from tui_world import services, text_of, until

from agentlab.labs.course import lab_roots
from agentlab_tui.app import AgentLabApp
from agentlab_tui.choices import ChoiceStore
from agentlab_tui.screens.lab import LabScreen
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.screens.welcome import WelcomeScreen
from agentlab_tui.widgets.top_bar import TopBar


def app_over(home: Path) -> AgentLabApp:
    return AgentLabApp(replace(services(home), choices=ChoiceStore(home / "tui.json")))


async def loaded(pilot: Pilot[None]) -> None:
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, RoadmapScreen) and app.screen.loaded)


async def test_it_comes_once_and_two_keys_lead_into_the_first_lab(tmp_path: Path) -> None:
    app = app_over(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        await pilot.press("enter")
        await loaded(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
    app = app_over(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        assert isinstance(app.screen, RoadmapScreen)


async def test_it_names_the_minutes_of_the_lab_that_enter_opens_and_they_are_few(
    tmp_path: Path,
) -> None:
    app = AgentLabApp(
        replace(services(tmp_path, roots=lab_roots()), choices=ChoiceStore(tmp_path / "tui.json"))
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        told = text_of(app.screen, "#keys")
        await pilot.press("enter")
        await loaded(pilot)
        roadmap = app.screen
        assert isinstance(roadmap, RoadmapScreen)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        (lab,) = (entry.lab for entry in roadmap.entries if entry.id == "m5/first-agent")
        assert lab is not None
        assert lab.title in str(app.screen.query_one(TopBar).render())
        assert lab.minutes <= 10
        assert f"the first takes {lab.minutes} minutes" in told
