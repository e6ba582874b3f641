"""What the screens look like. A picture that changed is to be looked at before it is accepted:
`pytest tests/tui/test_snapshots.py --snapshot-update`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from math import log
from pathlib import Path
from typing import Any

import pytest
from test_playground import calculates, to_playground
from textual.pilot import Pilot
from textual.widgets import TextArea
from tui_world import finished, open_app, services, to_lab, to_roadmap, tried, until

from agentlab.backend import Reply, TokenInfo
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message
from agentlab_tui.app import AgentLabApp
from agentlab_tui.assembly import Assembly
from agentlab_tui.progress import ProgressStore
from agentlab_tui.screens.diff import DiffScreen
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.widgets.conversation import Conversation
from agentlab_tui.widgets.token_view import TokenView
from agentlab_tui.widgets.tool_list import ToolList
from agentlab_tui.widgets.virtual_list import VirtualList

SIZES = [(80, 24), (120, 36), (160, 50)]
CALCULATOR = Assembly(tools=("calculator",))
Walk = Callable[[Pilot[None]], Awaitable[None]]
Compare = Callable[..., bool]

sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
looks = pytest.mark.parametrize("look", ["dark", "light"])


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shows(
    compare: Compare, app: AgentLabApp, size: tuple[int, int], walk: Walk, look: str = "dark"
) -> bool:
    async def before(pilot: Pilot[Any]) -> None:
        if look == "light":
            app.action_toggle_dark()
        await walk(pilot)
        for area in app.screen.query(TextArea):
            area.cursor_blink = False
            area.notify_style_update()  # or a line is drawn as it was when the cursor was off
        await _settled(pilot)

    return compare(app, terminal_size=size, run_before=before)


async def _settled(pilot: Pilot[Any]) -> None:
    """Wait until three looks in a row show the same: on a busy machine the last words, or the
    focus, come a moment after the run has ended."""
    seen: list[str] = []
    for _ in range(60):
        await pilot.pause(0.2)
        seen = [*seen[-2:], pilot.app.export_screenshot()]
        if len(seen) == 3 and len(set(seen)) == 1:
            return
    raise AssertionError("the screen never came to rest")


@sizes
@looks
def test_roadmap(snap_compare: Compare, tmp_path: Path, size: tuple[int, int], look: str) -> None:
    """Modules with rules and counts; the tiny lab is begun; a card at the right where it fits."""
    ProgressStore(tmp_path / "progress").set_passed("m9/tiny", "why", 1.0)

    async def walk(pilot: Pilot[None]) -> None:
        await to_roadmap(pilot)

    assert shows(snap_compare, open_app(tmp_path), size, walk, look)


@sizes
def test_reading(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """A lesson with code and a table, in a column that is not too wide."""

    async def walk(pilot: Pilot[None]) -> None:
        await to_lab(pilot)

    assert shows(snap_compare, open_app(tmp_path), size, walk)


@sizes
@looks
def test_checks_green(
    snap_compare: Compare, tmp_path: Path, size: tuple[int, int], look: str
) -> None:
    """The lab's solution has run: says whose it is; a case folded, a case open; checks green."""
    tried(tmp_path)

    async def walk(pilot: Pilot[None]) -> None:
        await to_lab(pilot, "adder")
        await pilot.press("w")
        await finished(pilot)

    assert shows(snap_compare, open_app(tmp_path), size, walk, look)


@sizes
def test_checks_red(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """The learner's own answer was graded: checks red, each with its reason; a hint below."""
    store = ProgressStore(tmp_path / "progress")
    store.save_text("m9/tiny", "adder.toml", 'instructions = "Guess."\n')

    async def walk(pilot: Pilot[None]) -> None:
        await to_lab(pilot, "adder")
        await pilot.press("h")
        await until(pilot, lambda: pilot.app.screen.query(".hint"))
        await pilot.pause(0.1)
        await pilot.press("g")
        await finished(pilot, "graded")

    assert shows(snap_compare, open_app(tmp_path), size, walk)


@sizes
def test_quiz(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """A wrong choice, and why it is wrong."""

    async def walk(pilot: Pilot[None]) -> None:
        await to_lab(pilot, "quiz")
        await pilot.press("2")
        await pilot.pause(0.1)
        await pilot.press("a", "enter")

    assert shows(snap_compare, open_app(tmp_path), size, walk)


@sizes
def test_timeline(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """A run event by event, with the model's reply in detail."""

    async def walk(pilot: Pilot[None]) -> None:
        await to_roadmap(pilot)
        await pilot.app.push_screen(TimelineScreen(services(tmp_path), _trace(tmp_path)))
        rows = pilot.app.screen.query_one(VirtualList)
        await until(pilot, lambda: len(rows.items) == 7)
        await pilot.press("down", "down")

    assert shows(snap_compare, open_app(tmp_path), size, walk)


@sizes
def test_help(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """What the lab screen is for, and its keys."""

    async def walk(pilot: Pilot[None]) -> None:
        await to_lab(pilot, "adder")
        await pilot.press("question_mark")

    assert shows(snap_compare, open_app(tmp_path), size, walk)


@sizes
def test_playground(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """A talk with a call in it; the agent beside it where there is room; meters below."""
    app = open_app(tmp_path, lambda name: Scripted(calculates, name=name))

    async def walk(pilot: Pilot[None]) -> None:
        screen = await to_playground(pilot)
        screen.query_one(ToolList).show(("calculator", "search"), ("calculator",), ("search",))
        conversation = screen.query_one(Conversation)
        await conversation.say("What is 6 * 7?", CALCULATOR)
        await until(pilot, lambda: not conversation.is_running)
        await until(pilot, lambda: conversation.is_vertical_scroll_end)

    assert shows(snap_compare, app, size, walk)


def test_tokens(snap_compare: Compare, tmp_path: Path) -> None:
    """The last answer token by token, coloured by how sure the model was; what else it had."""
    texts = (("The", 0.93), (" sum", 0.55), (" is", 0.98), (" 9", 0.31), (".", 0.88))
    tokens = tuple(
        TokenInfo(id=n, text=t, logprob=log(p), top=((t, log(p)), (" 8", log(0.6 * (1 - p)))))
        for n, (t, p) in enumerate(texts)
    )
    reply = Reply(message=Message.assistant("The sum is 9."), tokens=tokens)
    app = open_app(tmp_path, lambda name: Scripted([reply], name=name))

    async def walk(pilot: Pilot[None]) -> None:
        screen = await to_playground(pilot)
        screen.query_one(ToolList).show(("calculator", "search"), ())
        await screen.query_one(Conversation).say("4 + 5?", Assembly())
        await until(pilot, lambda: not screen.query_one(Conversation).is_running)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(pilot.app.focused, TokenView))
        await pilot.press("down", "down")

    assert shows(snap_compare, app, (120, 36), walk)


def test_fork(snap_compare: Compare, tmp_path: Path) -> None:
    """What a tool shall have answered instead, and which model goes on."""

    async def walk(pilot: Pilot[None]) -> None:
        await to_roadmap(pilot)
        await pilot.app.push_screen(TimelineScreen(services(tmp_path), _trace(tmp_path)))
        rows = pilot.app.screen.query_one(VirtualList)
        await until(pilot, lambda: len(rows.items) == 7)
        await pilot.press("down", "down", "down", "down", "f")
        await until(pilot, lambda: pilot.app.screen.query("#words"))

    assert shows(snap_compare, open_app(tmp_path), (120, 36), walk)


def test_diff(snap_compare: Compare, tmp_path: Path) -> None:
    """Two runs side by side: what is the same is grey, the first difference is marked."""
    one = _trace(tmp_path)
    other = tmp_path / "20251124-170000-00facade.jsonl"
    text = one.read_text().replace("I can't tell.", "It is 42.").replace(one.stem, other.stem)
    other.write_text(text)

    async def walk(pilot: Pilot[None]) -> None:
        await to_roadmap(pilot)
        await pilot.app.push_screen(DiffScreen(one, other))
        rows = pilot.app.screen.query_one(VirtualList)
        await until(pilot, lambda: rows.items and rows.cursor > 0)

    assert shows(snap_compare, open_app(tmp_path), (120, 36), walk)


def test_asked(snap_compare: Compare, tmp_path: Path) -> None:
    """In a lab: a call waits for the learner's word, below what it would do."""
    tried(tmp_path)

    async def walk(pilot: Pilot[None]) -> None:
        lab = await to_lab(pilot, "adder")
        await pilot.press("a", "w")
        await until(pilot, lambda: lab.query("Approval:focus"))
        pilot.app.clear_notifications()
        await pilot.pause(0.2)

    assert shows(snap_compare, open_app(tmp_path), (120, 36), walk)


def test_form(snap_compare: Compare, tmp_path: Path) -> None:
    """The agent of a lab put together in a form."""

    async def walk(pilot: Pilot[None]) -> None:
        await to_lab(pilot, "adder")
        await pilot.press("f")
        await until(pilot, lambda: getattr(pilot.app.focused, "id", "") == "instructions")

    assert shows(snap_compare, open_app(tmp_path), (120, 36), walk)


def _trace(folder: Path) -> Path:
    """A run with a failed call, its clock and ids fixed."""

    def said(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
        return {"role": role, "parts": list(parts)}

    def text(words: str) -> dict[str, Any]:
        return {"kind": "text", "text": words}

    call = {"kind": "tool_call", "id": "call_1", "name": "calculator", "arguments": '{"x": "6 *"}'}
    usage = {"input_tokens": 212, "cached_tokens": 180, "output_tokens": 21}
    answer = {"message": said("assistant", text("I can't tell.")), "usage": usage, "stop": "end"}
    asks = {"message": said("assistant", text("Let me see."), call), "usage": usage}
    result = {"call_id": "call_1", "error": "bad_arguments", "content": "x: no number after '*'"}
    events: list[tuple[float, dict[str, Any]]] = [
        (
            0.0,
            {
                "kind": "run_started",
                "messages": [
                    said("system", text("Use the calculator.")),
                    said("user", text("What is 6 * 7?")),
                ],
            },
        ),
        (0.81, {"kind": "model_replied", "reply": {**asks, "stop": "tool_calls"}}),
        (0.82, {"kind": "tool_started", "call": call}),
        (0.83, {"kind": "tool_finished", "result": result}),
        (1.94, {"kind": "model_replied", "reply": answer}),
        (1.95, {"kind": "run_finished", "outcome": "completed", "output": "I can't tell."}),
    ]
    begun = 1_764_000_000.0
    header = {
        "format": "agentlab-trace",
        "version": 1,
        "run": "20251124-160000-00c0ffee",
        "created": begun,
        "backend": {"name": "local:smollm2", "model": "SmolLM2-135M-Instruct"},
        "labels": {"lab": "m5/tool-use", "step": "first-call"},
    }
    lines = [header] + [
        {"seq": seq, "at": begun + at, "event": event} for seq, (at, event) in enumerate(events)
    ]
    path = folder / "20251124-160000-00c0ffee.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
