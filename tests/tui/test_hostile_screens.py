"""What strangers wrote is text on every screen; the screens and widgets are found by looking.

Each screen there is gets opened in a world whose every string is hostile: the lab, the runs, the
jobs, the model's words, its calls, the names of files. What the terminal is sent is looked at.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import HOSTILE, ONE_LINE, dirt, job_in, lab_in, write_runs
from test_playground import Local
from textual.content import Content
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static, TextArea
from tui_world import services, to_roadmap, until

import agentlab_tui.screens
import agentlab_tui.widgets
from agentlab.approval import Form
from agentlab.backend import Reply, TokenInfo
from agentlab.events import ToolFinished, ToolStarted
from agentlab.messages import Artifact, Blob, Message, ToolCall, ToolResult
from agentlab.places.findings import Finding
from agentlab_tui.app import AgentLabApp
from agentlab_tui.choices import ChoiceStore
from agentlab_tui.consent import FormAsked
from agentlab_tui.screens import doctor, model
from agentlab_tui.services import Services

OURS = re.compile(
    r"\x1b\[[0-9;:?]*[mHhlu$p]|\x1b\[[<>][0-9;]*u|\x1b\[[0-9]*[ABCDG]|\x1b\]22;[a-z-]*\x07"
)
"""What Textual itself sends: colours, moves, modes, the pointer's shape."""


def answers(messages: Any, tools: Any, _: Any) -> Reply:
    """Words, a call of a tool that there is and one of a tool that there is not; then words."""
    if messages[-1].role == "tool":
        token = TokenInfo(id=7, text=HOSTILE, logprob=-0.1, top=((HOSTILE, -0.1),))
        return Reply(message=Message.assistant(HOSTILE), tokens=(token,))
    calls = (
        ToolCall(id="1", name=HOSTILE, arguments=HOSTILE),
        ToolCall(id="2", name="calculator", arguments='{"expression": "\\u001b[2J[/nothing]"}'),
    )
    return Reply(message=Message.assistant(HOSTILE, *calls), stop="tool_calls")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services in which everything that has a text has a hostile one."""
    from dataclasses import replace

    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.chdir(tmp_path)
    finding = Finding("missing", HOSTILE, HOSTILE, HOSTILE)
    monkeypatch.setattr(doctor, "findings", lambda _: iter((finding,)))
    found = model.ModelHere(name=ONE_LINE, about=HOSTILE, here=True, whole=True, answers=True)
    monkeypatch.setattr(model, "models_here", lambda: [found])
    write_runs(tmp_path / "runs")
    job_in(tmp_path / "jobs")
    choices = ChoiceStore(tmp_path / "tui.json")
    choices.put("draft", HOSTILE)
    tools = {"tools": ["calculator"], "asks": ["calculator"], "instructions": HOSTILE}
    choices.put("playground", {"backend": ONE_LINE, **tools})
    given = services(
        tmp_path, lambda name: Local(answers, name=name), roots=(lab_in(tmp_path / "labs"),)
    )
    return replace(given, choices=choices)


def classes(package: Any, base: type) -> set[type]:
    """Every class of this kind that a package's modules define."""
    modules = [
        importlib.import_module(m.name)
        for m in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    ]
    return {
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, base) and kind.__module__ == module.__name__
    }


class Terminal:
    """What a terminal would have been sent, and which screens and widgets were drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sent: list[str] = []
        self.drawn: set[type] = set()
        monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda _: False))
        monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: self._sent.append(data))

    def look(self, pilot: Pilot[None]) -> str:
        """What came since the last look, without what Textual itself sends."""
        for screen in pilot.app.screen_stack:
            self.drawn |= {type(screen), *map(type, screen.walk_children())}
        sent = OURS.sub("", "".join(self._sent))
        self._sent.clear()
        return sent


async def at(pilot: Pilot[None], name: str) -> Any:
    await until(pilot, lambda: type(pilot.app.screen).__name__ == name)
    await pilot.pause()
    return pilot.app.screen


def run(number: int) -> Path:
    return Path.cwd() / "runs" / f"evil-{number}.jsonl"


def services_of(pilot: Pilot[None]) -> Services:
    assert isinstance(pilot.app, AgentLabApp)
    return pilot.app._services


async def welcome(pilot: Pilot[None], see: Callable[[], None]) -> None:
    await at(pilot, "WelcomeScreen")


async def roadmap(pilot: Pilot[None], see: Callable[[], None]) -> None:
    screen = await to_roadmap(pilot)
    for _ in screen.entries:
        see()
        await pilot.press("down")
    await pilot.press("slash", *"evil")
    see()
    await pilot.press("escape")


async def helped(pilot: Pilot[None], see: Callable[[], None]) -> None:
    await pilot.press("question_mark")
    await at(pilot, "HelpScreen")
    see()
    await pilot.press("escape")


async def lab(pilot: Pilot[None], see: Callable[[], None]) -> None:
    screen = await to_roadmap(pilot)
    entry = next(e for e in screen.entries if e.id == "m9/evil")
    from agentlab_tui.navigation import OpenLab

    for other in screen.entries:
        if other.lab is None:
            screen.post_message(OpenLab(other))
            await pilot.pause()
            see()
    screen.post_message(OpenLab(entry))
    shown = await at(pilot, "LabScreen")
    for _ in shown._lab.steps:
        await pilot.press("h")
        await pilot.pause()
        see()
        if shown.step.id == "quiz":
            await pilot.press("a", "enter")
            await pilot.pause()
            see()
        if shown.step.id == "agent":
            await pilot.press("r")
            from agentlab_tui.widgets.run_pane import RunPane

            await until(pilot, lambda: shown.query("CaseView"))
            await until(pilot, lambda: not shown.query_one(RunPane).is_running)
            await pilot.pause(0.2)
            see()
            await pilot.press("f")
            await pilot.pause()
            see()
            await pilot.press("f")
        await pilot.press("n")
        await pilot.pause()
    await pilot.press("escape", "escape")


async def runs(pilot: Pilot[None], see: Callable[[], None]) -> None:
    await to_roadmap(pilot)
    await pilot.press("t")
    screen = await at(pilot, "RunsScreen")
    await until(pilot, lambda: screen.query_one("VirtualList").items)
    see()


async def timeline(pilot: Pilot[None], see: Callable[[], None]) -> None:
    from agentlab_tui.screens.timeline import TimelineScreen

    pilot.app.push_screen(TimelineScreen(services_of(pilot), run(1)))
    screen = await at(pilot, "TimelineScreen")
    await until(pilot, lambda: screen.query_one("VirtualList").items)
    for _ in screen.query_one("VirtualList").items:
        see()
        await pilot.press("down")


async def fork(pilot: Pilot[None], see: Callable[[], None]) -> None:
    await timeline(pilot, see)
    for _ in range(9):
        await pilot.press("f")
        await pilot.pause()
        if type(pilot.app.screen).__name__ == "ForkScreen":
            see()
            await pilot.press("escape")
            await pilot.pause()
        await pilot.press("up")


async def export(pilot: Pilot[None], see: Callable[[], None]) -> None:
    from agentlab_tui.screens.export import ExportScreen

    pilot.app.push_screen(ExportScreen(ONE_LINE))
    await at(pilot, "ExportScreen")
    see()
    await pilot.press("escape")


async def diff(pilot: Pilot[None], see: Callable[[], None]) -> None:
    from agentlab_tui.screens.diff import DiffScreen

    pilot.app.push_screen(DiffScreen(run(1), run(2)))
    screen = await at(pilot, "DiffScreen")
    await until(pilot, lambda: screen.query_one("VirtualList").items)
    for _ in screen.query_one("VirtualList").items:
        see()
        await pilot.press("down")


async def forked(pilot: Pilot[None], see: Callable[[], None]) -> None:
    from agentlab.trace import Trace
    from agentlab_tui.forking import Change
    from agentlab_tui.screens.forked import ForkedScreen

    trace = Trace.load(run(1))
    change = Change(at=0, how="say", text=HOSTILE, backend=ONE_LINE)
    pilot.app.push_screen(ForkedScreen(services_of(pilot), trace, change))
    screen = await at(pilot, "ForkedScreen")
    await until(pilot, lambda: screen._live is None)
    await pilot.pause(0.2)


async def jobs(pilot: Pilot[None], see: Callable[[], None]) -> None:
    await to_roadmap(pilot)
    await pilot.press("j")
    screen = await at(pilot, "JobsScreen")
    await until(pilot, lambda: screen.query_one("VirtualList").items)
    await pilot.pause(0.6)


async def doctored(pilot: Pilot[None], see: Callable[[], None]) -> None:
    await to_roadmap(pilot)
    await pilot.press("d")
    screen = await at(pilot, "DoctorScreen")
    await until(pilot, lambda: screen._done)


async def models(pilot: Pilot[None], see: Callable[[], None]) -> None:
    from agentlab_tui.screens.model import ModelScreen

    pilot.app.push_screen(ModelScreen(ONE_LINE))
    screen = await at(pilot, "ModelScreen")
    await until(pilot, lambda: screen._models)
    await pilot.pause()
    see()
    await pilot.press("escape")


async def playground(pilot: Pilot[None], see: Callable[[], None]) -> None:
    from agentlab_tui.widgets.conversation import Conversation

    await to_roadmap(pilot)
    await pilot.press("p")
    screen = await at(pilot, "PlaygroundScreen")
    see()
    await until(pilot, lambda: screen.query_one("Composer").text)
    talk = screen.query_one(Conversation)
    await pilot.press("enter")
    await until(pilot, lambda: screen.query("Approval"))
    see()
    await pilot.pause(0.6)
    await pilot.press("y")
    await until(pilot, lambda: not talk.is_running)
    for key in ("f4", "f5", "f3", "f2"):
        await pilot.press(key)
        await pilot.pause(0.1)
        see()
    flow = screen.query("Flow").last()
    call = ToolCall(id="9", name=HOSTILE, arguments="{}")
    made = tuple(
        Artifact(name=HOSTILE, media_type=media_type, blob=Blob.of(data))
        for media_type, data in (("image/png", PNG), ("image/gif", GIF), ("audio/wav", WAV))
    )
    await flow.show(ToolStarted(call=call))
    await flow.show(ToolFinished(result=ToolResult(call_id="9", content=HOSTILE, artifacts=made)))
    await pilot.pause()
    see()
    asked = Form(message=HOSTILE, asker=HOSTILE, fields=hostile_fields())
    await flow.ask(FormAsked(asked, lambda _: None))
    await pilot.pause()
    see()
    form = screen.query_one("FormView")
    for text in form.query("Input"):
        text.value = "none of these"
    form.action_send()
    await pilot.pause()
    see()
    form.action_decline()
    await pilot.pause()
    screen.query_one("Composer").load_text(HOSTILE)
    await pilot.pause()


WALKS: dict[str, Callable[[Pilot[None], Callable[[], None]], Awaitable[None]]] = {
    "WelcomeScreen": welcome,
    "RoadmapScreen": roadmap,
    "HelpScreen": helped,
    "RunsScreen": runs,
    "TimelineScreen": timeline,
    "ForkScreen": fork,
    "ExportScreen": export,
    "DiffScreen": diff,
    "ForkedScreen": forked,
    "JobsScreen": jobs,
    "DoctorScreen": doctored,
    "ModelScreen": models,
    "LabScreen": lab,
    "PlaygroundScreen": playground,
}
"""How each screen is opened, and made to show all it has."""


def picture(kind: str) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    first, *rest = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
    first.save(file, kind, **({"save_all": True, "append_images": rest} if kind == "GIF" else {}))
    return file.getvalue()


def sound() -> bytes:
    import io
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(bytes(800))
    return file.getvalue()


PNG, GIF, WAV = picture("PNG"), picture("GIF"), sound()


def hostile_fields() -> dict[str, Any]:
    """A form's, every word of which is hostile."""
    of = {"enum": [HOSTILE, 1], "enumNames": [HOSTILE]}
    kinds: list[dict[str, Any]] = [
        {"type": "string", "default": HOSTILE},
        {"type": "boolean"},
        {"type": "number"},
        of,
        {"type": "array", "items": of},
    ]
    properties = {f"{HOSTILE}{n}": {**one, "description": HOSTILE} for n, one in enumerate(kinds)}
    return {"properties": properties, "required": list(properties)}


def test_every_screen_is_walked() -> None:
    assert {kind.__name__ for kind in classes(agentlab_tui.screens, Screen)} == set(WALKS)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("guarded", [True, False], ids=["as it is", "without the last filter"])
async def test_no_screen_sends_a_strangers_marks_to_the_terminal(
    guarded: bool, world: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the last filter, only what is typed or brought back to be edited comes raw."""
    if not guarded:
        monkeypatch.setattr(
            AgentLabApp, "get_line_filters", super(AgentLabApp, AgentLabApp).get_line_filters
        )
    terminal = Terminal(monkeypatch)
    dirty: dict[str, set[str]] = {}
    shown = ""
    app = AgentLabApp(world, warning=HOSTILE)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        for name, walk in WALKS.items():

            def see(name: str = name) -> None:
                nonlocal shown
                sent = terminal.look(pilot)
                shown += sent
                if found := dirt(sent):
                    dirty.setdefault(name, set()).update(found)

            await walk(pilot, see)
            await pilot.pause(0.1)
            see()
            assert name in {kind.__name__ for kind in terminal.drawn}
            while len(app.screen_stack) > 2:
                app.pop_screen()
                await pilot.pause()
    edited = {"ModelScreen", "LabScreen", "PlaygroundScreen"}  # these have Textual's own editors
    if guarded:
        assert dirty == {}
    else:  # a file's name is in an editor as well, which may be gone before it is drawn
        assert set(dirty) - {"ExportScreen"} == edited
    assert "[/nothing]" in shown
    unseen = classes(agentlab_tui.widgets, Widget) - terminal.drawn
    assert {kind.__name__ for kind in unseen} == set()


@pytest.mark.parametrize("guarded", [True, False])
async def test_what_no_screen_cleans_is_stopped_by_the_last_filter(
    guarded: bool, world: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the filter, a widget that draws what it is given sends it on."""
    if not guarded:
        monkeypatch.delattr(AgentLabApp, "get_line_filters")
    terminal = Terminal(monkeypatch)
    app = AgentLabApp(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await app.screen.mount(Static(Content(HOSTILE)), TextArea(HOSTILE))
        await pilot.pause(0.1)
        assert (dirt(terminal.look(pilot)) == set()) == guarded
