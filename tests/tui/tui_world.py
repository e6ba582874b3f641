"""A little world for the app: a scripted model that adds, and services around it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from agentlab.backend import Backend, Reply, Settings, ToolSpec
from agentlab.backends.scripted import Said, Scripted
from agentlab.messages import Message, ToolCall, Usage
from agentlab_tui.app import AgentLabApp
from agentlab_tui.engine import Connect, Engine
from agentlab_tui.progress import ProgressStore
from agentlab_tui.screens.lab import LabScreen
from agentlab_tui.screens.roadmap import RoadmapScreen
from agentlab_tui.screens.welcome import WelcomeScreen
from agentlab_tui.services import Services
from agentlab_tui.widgets.run_pane import RunPane

LABS = Path(__file__).parent / "labs"


def add_by_tool(messages: Sequence[Message], tools: Sequence[ToolSpec], _: Settings) -> Said:
    """Calls `add` where it has it, then says the sum; without it, says something wrong."""
    last = messages[-1]
    if last.role == "tool":
        (result,) = (part for part in last.parts if part.kind == "tool_result")
        said = Message.assistant(f"The sum is {float(result.content):g}.")
        return Reply(message=said, usage=Usage(input_tokens=60, cached_tokens=48, output_tokens=7))
    a, b = re.findall(r"\d+", last.text)
    if not tools:
        return Message.assistant(f"I think it is about {int(a) * int(b)}0.")
    call = ToolCall(
        id=f"call_{len(messages)}", name="add", arguments=json.dumps({"a": int(a), "b": int(b)})
    )
    said = Message.assistant(f"I will add {a} and {b} with the tool.", call)
    return Reply(
        message=said,
        usage=Usage(input_tokens=48, cached_tokens=0, output_tokens=24),
        stop="tool_calls",
    )


def adder(pace: float = 0.0) -> Connect:
    """Opens a model that adds, whatever it is called."""
    return lambda name: Scripted(add_by_tool, name=name, pace=pace)


def services(
    home: Path,
    connect: Connect | None = None,
    *,
    roots: tuple[Path, ...] = (LABS,),
    clock: Callable[[], float] | None = None,
) -> Services:
    """Services over a home folder of their own. By default time stands still."""
    return Services(
        engine=Engine(connect or adder()),
        progress=ProgressStore(home / "progress"),
        runs=home / "runs",
        jobs=home / "jobs",
        roots=roots,
        clock=clock or (lambda: 0.0),
    )


def open_app(
    home: Path, connect: Connect | None = None, *, roots: tuple[Path, ...] = (LABS,)
) -> AgentLabApp:
    """The app over a home folder."""
    return AgentLabApp(services(home, connect, roots=roots))


def recording(answer: str) -> tuple[list[str], Connect]:
    """The names that were asked for, as they come, and a model of any name that says one thing."""
    opened: list[str] = []

    def connect(name: str) -> Backend:
        opened.append(name)
        return Scripted([answer], name=name)

    return opened, connect


async def until(pilot: Pilot[None], holds: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until something holds; fails after some seconds."""
    for _ in range(int(seconds / 0.02)):
        await pilot.pause()
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


async def to_roadmap(pilot: Pilot[None]) -> RoadmapScreen:
    """Wait for the roadmap with all its labs."""
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, (RoadmapScreen, WelcomeScreen)))
    if isinstance(app.screen, WelcomeScreen):
        await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, RoadmapScreen) and app.screen.loaded)
    await pilot.pause()
    assert isinstance(app.screen, RoadmapScreen)
    return app.screen


async def to_lab(pilot: Pilot[None], step: str = "why") -> LabScreen:
    """Open the tiny lab and go to a step."""
    await to_roadmap(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, LabScreen))
    lab = pilot.app.screen
    assert isinstance(lab, LabScreen)
    await until(pilot, lambda: lab.query("Markdown MarkdownBlock"))
    while lab.step.id != step:
        await pilot.press("n")
        await pilot.pause()
    await pilot.pause()
    return lab


def tried(home: Path, lab: str = "m9/tiny", step: str = "adder") -> None:
    """The learner has tried this step before, so that its solution may be watched."""
    ProgressStore(home / "progress").set_seen(lab, step, 1.0)


async def finished(pilot: Pilot[None], title: str = "·", *, seconds: float = 20) -> None:
    """Wait until a run, with this in its title, is over."""
    pane = pilot.app.screen.query_one(RunPane)
    await until(
        pilot,
        lambda: title in str(pane.border_title) and not pane.is_running,
        seconds=seconds,
    )
    await pilot.pause()


def text_of(screen: Screen[Any], selector: str) -> str:
    """What the static texts under a selector say."""
    return "\n".join(str(found.render()) for found in screen.query(selector).results(Static))
