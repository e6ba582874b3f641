"""Runs looked back at: the list, the timeline, the detail."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from textual.widgets import Static
from tui_world import open_app, services, text_of, to_roadmap, until

from agentlab.backend import BackendIdentity, Reply
from agentlab.events import (
    ModelReplied,
    RunFailed,
    RunFinished,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
)
from agentlab.messages import Message, ToolCall, ToolResult, Usage
from agentlab.trace import Trace, TraceHeader
from agentlab.trace.results import ResultsHeader, ResultsWriter, RunResult, Score
from agentlab.trace.writing import TraceWriter
from agentlab_tui.fold import rows_of
from agentlab_tui.run_list import summaries
from agentlab_tui.screens.runs import RunsScreen
from agentlab_tui.screens.timeline import TimelineScreen
from agentlab_tui.widgets.virtual_list import VirtualList

START = RunStarted(messages=(Message.system("Be brief."), Message.user("What is 6 * 7?")))
CALL = ToolCall(id="call_1", name="calculator", arguments='{"expression": "6 * 7"}')


def write(folder: Path, run: str, *events: StoredEvent) -> Path:
    header = TraceHeader(
        run=run,
        created=1_764_000_000.0,
        agent="adder",
        backend=BackendIdentity(name="local:smollm2", model="SmolLM2"),
        labels={"lab": "m9/tiny"},
    )
    writer = TraceWriter(folder, header)
    for event in events:
        writer.append(event)
    writer.close()
    return writer.path


def a_run(folder: Path, run: str) -> Path:
    reply = Reply(
        message=Message.assistant("Let me see.", CALL),
        usage=Usage(input_tokens=30, cached_tokens=20, output_tokens=9),
        stop="tool_calls",
    )
    return write(
        folder,
        run,
        START,
        ModelReplied(reply=reply),
        ToolStarted(call=CALL),
        ToolFinished(result=ToolResult(call_id="call_1", content="42")),
        RunFinished(outcome="completed", output="42"),
    )


def test_a_trace_folds_into_one_row_a_message_and_one_an_event(tmp_path: Path) -> None:
    rows = list(rows_of(Trace.load(a_run(tmp_path, "one")).records))
    assert [(row.mark, row.text) for row in rows] == [
        ("§", "Be brief."),
        ("❯", "What is 6 * 7?"),
        ("»", 'Let me see.  asks for calculator(expression="6 * 7")'),
        ("→", 'calculator(expression="6 * 7")'),
        ("←", "42"),
        ("■", "completed"),
    ]
    assert rows[0].at == 0.0
    assert all(a.at <= b.at for a, b in pairwise(rows))


async def test_runs_are_listed_newest_first_and_open(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    a_run(runs, "20261101-000000-aaaaaaaa")
    write(runs, "20261102-000000-bbbbbbbb", START, RunFailed(error="X", message="no model"))
    write(runs, "20261103-000000-cccccccc", START)
    (runs / "20261104-000000-dddddddd.jsonl").write_text("no trace\n")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        rows = app.screen.query_one(VirtualList)
        await until(pilot, lambda: len(rows.items) == 4)
        assert [run.ended for run in rows.items] == ["", "broken off", "failed", "completed"]
        assert "not a trace" in rows.items[0].problem
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("slash", *"completed", "enter")
        await until(pilot, lambda: len(rows.items) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))


async def test_the_detail_follows_the_cursor(tmp_path: Path) -> None:
    path = a_run(tmp_path / "runs", "one")
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await app.push_screen(TimelineScreen(services(tmp_path), path))
        await until(pilot, lambda: "Be brief." in text_of(app.screen, "#detail Static"))
        await pilot.press("down", "down")
        await until(
            pilot, lambda: "30, of which 20 cached" in text_of(app.screen, "#detail Static")
        )
        await pilot.press("down")
        await until(pilot, lambda: '"expression": "6 * 7"' in text_of(app.screen, "#detail Static"))
        await pilot.press("end")
        await until(pilot, lambda: "Run finished" in text_of(app.screen, "#detail Static"))


async def test_what_a_trace_holds_is_shown_as_text_and_clipped(tmp_path: Path) -> None:
    evil = ToolResult(call_id="call_1", content="[red]x[/] \x1b[2J" + "y" * 1_000_000)
    path = write(tmp_path, "one", START, ToolStarted(call=CALL), ToolFinished(result=evil))
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await app.push_screen(TimelineScreen(services(tmp_path), path))
        await until(pilot, lambda: len(app.screen.query_one(VirtualList).items) == 4)
        await pilot.press("end")
        await until(pilot, lambda: "[red]x[/] ␛[2J" in text_of(app.screen, "#detail Static"))
        assert "980,014 more characters" in text_of(app.screen, "#detail Static")


async def test_10_000_events_are_listed_and_walked_through(tmp_path: Path) -> None:
    events: list[StoredEvent] = [START]
    for number in range(5_000):
        call = ToolCall(id=f"call_{number}", name="add", arguments=f'{{"n": {number}}}')
        result = ToolResult(call_id=call.id, content=str(number))
        events += [ToolStarted(call=call), ToolFinished(result=result)]
    path = write(tmp_path, "one", *events)
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await app.push_screen(TimelineScreen(services(tmp_path), path))
        rows = app.screen.query_one(VirtualList)
        await until(pilot, lambda: len(rows.items) == 10_002)
        await pilot.press("pagedown", "pagedown")
        assert 40 < rows.cursor < 80
        await pilot.press("end", "up")
        await until(pilot, lambda: "call_4999" in text_of(app.screen, "#detail Static"))


async def test_a_trace_that_is_gone_or_newer_is_one_line(tmp_path: Path) -> None:
    newer = tmp_path / "newer.jsonl"
    newer.write_text('{"format": "agentlab-trace", "version": 99, "agentlab": "9.0"}\n')
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        for path, says in ((tmp_path / "gone.jsonl", "No such file"), (newer, "install agentlab")):
            await app.push_screen(TimelineScreen(services(tmp_path), path))
            await until(pilot, lambda says=says: says in text_of(app.screen, "#about"))
            await pilot.press("escape")


async def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        note = app.screen.query_one("#runs-note", Static)
        await until(pilot, lambda: "open a lab and press r" in str(note.render()))


def test_a_run_is_listed_with_its_case_and_what_the_checks_said(tmp_path: Path) -> None:
    for run in ("20251124-100000-aaaaaaaaaa", "20251124-110000-bbbbbbbbbb"):
        a_run(tmp_path, run)
    writer = ResultsWriter(tmp_path, ResultsHeader(name="tiny", kind="lab"))
    for run, passed in (
        ("20251124-100000-aaaaaaaaaa", True),
        ("20251124-110000-bbbbbbbbbb", False),
    ):
        writer.append(RunResult(run=run, sample="adder", scores={"right": Score.of(passed)}))
    writer.close()
    a_run(tmp_path, "20251124-120000-cccccccccc")
    found = list(summaries(tmp_path))
    assert [run.ended for run in found] == ["completed", "not passed", "passed"]
    assert {run.what for run in found} == {"m9/tiny · adder · What is 6 * 7?"}
    assert found[0].matches("6 * 7")
    assert found[1].matches("not passed")
