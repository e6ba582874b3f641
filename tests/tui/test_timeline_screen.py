"""A run on the screen: searched, played, forked, compared, taken elsewhere."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from PIL import Image as PILImage
from textual.pilot import Pilot
from textual.widgets import Input, TextArea
from tui_world import (
    LABS,
    adder,
    finished,
    open_app,
    services,
    text_of,
    to_lab,
    to_roadmap,
    tried,
    until,
)

from agentlab import Agent, ToolContext
from agentlab.backend import Backend
from agentlab.backends.scripted import Scripted
from agentlab.errors import ModelNotFound
from agentlab.messages import Image, Message, ToolCall
from agentlab.trace import Trace, runs_in
from agentlab_tui.app import AgentLabApp
from agentlab_tui.screens.diff import DiffScreen
from agentlab_tui.screens.fork import ForkScreen
from agentlab_tui.screens.forked import ForkedScreen
from agentlab_tui.screens.runs import RunsScreen
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.widgets.figure import Figure
from agentlab_tui.widgets.virtual_list import VirtualList


async def to_timeline(pilot: Pilot[None]) -> TimelineScreen:
    """Run the tiny lab's solution, and open its last case: 7 rows."""
    await to_lab(pilot, "adder")
    await pilot.press("w")
    await finished(pilot)
    await pilot.press("t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TimelineScreen))
    screen = pilot.app.screen
    assert isinstance(screen, TimelineScreen)
    await until(pilot, lambda: len(screen.query_one(VirtualList).items) == 7)
    return screen


def app_with_lab(home: Path) -> AgentLabApp:
    tried(home)
    return open_app(home, adder(), roots=(LABS,))


async def test_a_search_leaves_only_events_that_match(tmp_path: Path) -> None:
    app = app_with_lab(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_timeline(pilot)
        rows = screen.query_one(VirtualList)
        await pilot.press("slash", *"tool_finished")
        await until(pilot, lambda: len(rows.items) == 1)
        assert "1/1 of 7" in str(rows.border_title)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(rows.items) == 7)
        assert app.screen is screen


async def test_it_plays_to_the_end_and_can_be_paused(tmp_path: Path) -> None:
    app = app_with_lab(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_timeline(pilot)
        rows = screen.query_one(VirtualList)
        await pilot.press("space")
        await until(pilot, lambda: rows.cursor == 6)
        assert "▶" not in str(rows.border_title)
        await pilot.press("home", "right_square_bracket")
        assert rows.items[rows.cursor].record.event.kind == "model_replied"
        first = rows.cursor
        await pilot.press("right_square_bracket")
        assert rows.cursor > first
        await pilot.press("left_square_bracket")
        assert rows.cursor == first


async def test_a_fork_goes_on_live_with_another_result_and_is_compared(tmp_path: Path) -> None:
    app = app_with_lab(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_timeline(pilot)
        before = set(runs_in(tmp_path / "runs"))
        await pilot.press("down", "down", "down", "down", "f")
        await until(pilot, lambda: isinstance(app.screen, ForkScreen))
        assert app.screen.query_one(TextArea).text == "9.0"
        app.screen.query_one(TextArea).load_text("1000")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ForkedScreen))
        forked = app.screen
        await until(pilot, lambda: "✔ done" in text_of(forked, "RunStatus"))
        assert "The sum is 1000." in text_of(forked, "Said")
        assert "4 events from the log" in text_of(forked, "#past")
        (new,) = set(runs_in(tmp_path / "runs")) - before
        parent = Trace.load(new).header.parent
        assert parent is not None
        assert parent.seq == 3
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen))
        diff = app.screen
        await until(pilot, lambda: "changed" in text_of(diff, "#sum"))
        assert getattr(diff.query_one(VirtualList).current, "sameness", None) == "changed"
        assert "9.0" in text_of(diff, "#side-a Static")
        assert "1000" in text_of(diff, "#side-b Static")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))


async def test_a_fork_that_cant_go_on_says_why(tmp_path: Path) -> None:
    opened = adder()

    def connect(name: str) -> Backend:
        if name == "gone":
            raise ModelNotFound("no model gone: pip install it")
        return opened(name)

    tried(tmp_path)
    app = open_app(tmp_path, connect)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_timeline(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ForkScreen))
        app.screen.query_one(Input).value = "gone"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ForkedScreen))
        forked = app.screen
        await until(pilot, lambda: "no model gone" in text_of(forked, "RunStatus"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))


async def test_two_runs_of_the_list_are_compared(tmp_path: Path) -> None:
    app = app_with_lab(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_timeline(pilot)
        app.go_to("runs")  # pyright: ignore
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await until(pilot, lambda: len(app.screen.query_one(VirtualList).items) == 2)
        await pilot.press("space", "down", "d")
        await until(pilot, lambda: isinstance(app.screen, DiffScreen))
        diff = app.screen
        await until(pilot, lambda: "≠" in text_of(diff, "#sum"))


async def test_a_run_is_written_out_as_a_page_and_as_a_training_line(tmp_path: Path) -> None:
    app = app_with_lab(tmp_path)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await to_timeline(pilot)
        for down, name in ((0, "run.html"), (1, "run.jsonl")):
            await pilot.press("x")
            await until(pilot, lambda: app.screen.query("#file"))
            await pilot.press(*["down"] * down)
            await pilot.pause()
            app.screen.query_one("#file", Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, lambda name=name: (tmp_path / name).is_file())
        assert (tmp_path / "run.html").read_text().lower().startswith("<!doctype html>")
        assert '"role":"user"' in (tmp_path / "run.jsonl").read_text().replace(" ", "")
        await pilot.press("x")
        await until(pilot, lambda: app.screen.query("#file"))
        app.screen.query_one("#file", Input).value = str(tmp_path / "no" / "such" / "run.html")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query("Toast.-error"))


async def test_a_run_without_parent_says_how_to_compare(tmp_path: Path) -> None:
    app = app_with_lab(tmp_path)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await to_timeline(pilot)
        await pilot.press("d")
        await until(pilot, lambda: screen.query("Toast"))
        await pilot.press("escape", "escape")
        await to_roadmap(pilot)


async def test_what_can_be_seen_or_heard_of_an_event_is_below_its_words(tmp_path: Path) -> None:
    drawn = io.BytesIO()
    PILImage.new("RGB", (16, 16), "red").save(drawn, "PNG")
    heard = io.BytesIO()
    with wave.open(heard, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))

    def hum(context: ToolContext) -> str:
        """Hum."""
        context.attach("hum.wav", heard.getvalue(), "audio/wav")
        return "hm"

    asks = Message.assistant(ToolCall(id="1", name="hum", arguments="{}"))
    agent = Agent(backend=Scripted([asks, "It hums."]), tools=[hum], runs=tmp_path / "runs")
    result = await agent.run(Message.user("What is this?", Image.of(drawn.getvalue())))
    assert result.path is not None
    app = open_app(tmp_path, adder(), roots=(LABS,))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = TimelineScreen(services(tmp_path), result.path)
        await app.push_screen(screen)
        rows = screen.query_one(VirtualList)
        await until(pilot, lambda: len(rows.items) > 3)
        shown: dict[str, list[str]] = {}
        for place, row in enumerate(rows.items):
            rows.cursor = place
            await pilot.pause(0.05)
            kinds = [type(one).__name__ for one in screen.query("#media > *")]
            shown[row.record.event.kind] = kinds
        assert shown["tool_finished"] == ["Sound"]
        assert shown["run_finished"] == []
        rows.cursor = 0
        await until(pilot, lambda: bool(screen.query(Figure)))


async def test_what_a_run_made_is_written_out_from_the_screen(tmp_path: Path) -> None:
    """Chosen by its place in the list, into the folder that stands in the line."""

    def draw(context: ToolContext) -> str:
        """Draw."""
        context.attach("dot.gif", b"GIF89a", "image/gif")
        return "drawn"

    asks = Message.assistant(ToolCall(id="1", name="draw", arguments="{}"))
    agent = Agent(backend=Scripted([asks, "There."]), tools=[draw], runs=tmp_path / "runs")
    result = await agent.run("Draw.")
    assert result.path is not None
    app = open_app(tmp_path, adder(), roots=(LABS,))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await app.push_screen(TimelineScreen(services(tmp_path), result.path))
        await until(pilot, lambda: len(app.screen.query_one(VirtualList).items) > 3)
        await pilot.press("x", "down", "down", "down")
        line = app.screen.query_one(Input)
        assert line.value.endswith(f"{result.run}-files")
        line.value = str(tmp_path / "out")
        await pilot.press("enter")
        await until(pilot, lambda: any(tmp_path.glob("out/*.gif")))
    (file,) = (tmp_path / "out").iterdir()
    assert file.read_bytes() == b"GIF89a"
