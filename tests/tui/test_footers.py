"""On 80 columns the keys at the bottom of every screen are whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from test_playground import to_playground
from test_snapshots import _trace
from textual.pilot import Pilot
from textual.widgets import Footer
from tui_world import open_app, services, to_roadmap, until

from agentlab_tui.screens.diff import DiffScreen
from agentlab_tui.screens.timeline import TimelineScreen

Walk = Callable[[Pilot[None], Path], Awaitable[None]]


async def roadmap(pilot: Pilot[None], home: Path) -> None:
    await to_roadmap(pilot)


def opened_by(key: str) -> Walk:
    async def walk(pilot: Pilot[None], home: Path) -> None:
        await to_roadmap(pilot)
        await pilot.press(key)

    return walk


async def playground(pilot: Pilot[None], home: Path) -> None:
    await to_playground(pilot)
    await pilot.press("escape")


async def timeline(pilot: Pilot[None], home: Path) -> None:
    await to_roadmap(pilot)
    await pilot.app.push_screen(TimelineScreen(services(home), _trace(home)))


async def diff(pilot: Pilot[None], home: Path) -> None:
    await to_roadmap(pilot)
    trace = _trace(home)
    await pilot.app.push_screen(DiffScreen(trace, trace))


@pytest.mark.parametrize(
    "walk",
    [roadmap, opened_by("t"), opened_by("j"), opened_by("d"), playground, timeline, diff],
    ids=["roadmap", "runs", "jobs", "doctor", "playground", "timeline", "diff"],
)
async def test_every_key_of_the_footer_is_whole(walk: Walk, tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await walk(pilot, tmp_path)
        await until(pilot, lambda: app.screen.query(Footer))
        await pilot.pause(0.3)
        keys = [key for key in app.screen.query("FooterKey") if key.display]
        assert len(keys) >= 3  # a screen without anything on it has its way out and the help
        assert [key for key in keys if key.region.right > 80 or not key.region.width] == []
