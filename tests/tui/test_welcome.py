"""The first start: a short orientation, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot
from tui_world import services, until

from agentlab_tui.app import AgentLabApp
from agentlab_tui.choices import ChoiceStore
from agentlab_tui.screens.lab import LabScreen
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.screens.welcome import WelcomeScreen


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
