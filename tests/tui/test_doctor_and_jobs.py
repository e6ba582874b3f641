"""What works on this machine, and what is training on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from tui_world import open_app, recording, text_of, to_roadmap, until

from agentlab.places import findings as places_findings
from agentlab.places.findings import Finding
from agentlab.tooling.threads import in_thread
from agentlab_tools.train.events import Checkpointed, Ended, Made, Progress, Started
from agentlab_tools.train.jobs.job import JobSpec
from agentlab_tools.train.jobs.journal import Journal, JournalReader, create
from agentlab_tui.screens import doctor
from agentlab_tui.screens import jobs as jobs_screen
from agentlab_tui.screens.doctor import DoctorScreen
from agentlab_tui.screens.jobs import JobsScreen
from agentlab_tui.screens.playground import PlaygroundScreen
from agentlab_tui.widgets.virtual_list import VirtualList


async def test_the_real_findings_are_shown(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen))
        await until(pilot, lambda: "looking" not in text_of(app.screen, "#sum"))
        shown = text_of(app.screen, "#findings Static")
        look = lambda: [f.what for f in places_findings.findings(tmp_path / "runs")]  # noqa: E731
        expected = await in_thread(look)
        assert len(expected) > 5
        assert all(what in shown for what in expected)


async def test_what_is_missing_is_said_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def findings(runs: Path) -> Iterator[Finding]:
        yield Finding("ok", "python", "Python 3")
        yield Finding("missing", "sandbox", "no [bold]sandbox[/]", "install bubblewrap")

    monkeypatch.setattr(doctor, "findings", findings)
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen))
        await until(pilot, lambda: "1 needed and missing" in text_of(app.screen, "#sum"))
        shown = text_of(app.screen, "#findings Static")
        assert "no [bold]sandbox[/]" in shown
        assert "→ install bubblewrap" in shown


async def test_a_finding_that_wraps_stays_in_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def findings(runs: Path) -> Iterator[Finding]:
        yield Finding("note", "threads", "word " * 40, "remedy " * 30)

    monkeypatch.setattr(doctor, "findings", findings)
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen))
        await until(pilot, lambda: "remedy" in text_of(app.screen, "#findings Static"))
        listed = app.screen.query_one("#findings Static")
        room = listed.content_size.width
        lines = text_of(app.screen, "#findings Static").splitlines()
        assert listed.size.height == len(lines) > 6  # none is wrapped once more
        assert all(len(line) <= room for line in lines)
        indent = len("· threads  ")
        assert all(line.startswith(" " * indent) for line in lines[1:])
        await pilot.resize_terminal(120, 24)
        await until(
            pilot, lambda: len(text_of(app.screen, "#findings Static").splitlines()) < len(lines)
        )


def job(home: Path, id: str) -> Journal:
    folder = home / "jobs" / id
    folder.mkdir(parents=True)
    create(folder, JobSpec(id=id, recipe="digits", created=1.0))
    return Journal(folder)


async def to_jobs(pilot: Pilot[None]) -> JobsScreen:
    await to_roadmap(pilot)
    await pilot.press("j")
    await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen))
    assert isinstance(pilot.app.screen, JobsScreen)
    return pilot.app.screen


async def test_a_curve_grows_while_a_job_trains(tmp_path: Path) -> None:
    import os

    from agentlab_tools.train.jobs.pids import mark_of

    journal = job(tmp_path, "20261124-101530-abc-digits")
    journal.write(Started(pid=os.getpid(), process=mark_of(os.getpid()) or ""))
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_jobs(pilot)
        await until(pilot, lambda: "1 job, 1 at work" in text_of(screen, "#jobs-note"))
        for step in range(1, 30):
            journal.write(Progress(step=step, total=60, loss=3.0 / step))
        await until(pilot, lambda: "step 29/60" in text_of(screen, "#job Static"))
        assert "3 ┤" in text_of(screen, "#job Static")
        journal.write(Checkpointed(step=29, bytes=10))
        journal.end(Ended(outcome="completed"))
        await until(pilot, lambda: "completed" in text_of(screen, "#job Static"))
        assert "checkpoint at step 29" in text_of(screen, "#job Static")


async def test_what_a_job_made_is_talked_to_by_a_key(tmp_path: Path) -> None:
    for id, made in (("20261124-101530-abc-digits", "model.gguf"), ("20261124-1-x-y", "t.txt")):
        journal = job(tmp_path, id)
        journal.write(Started(pid=1, process="no process has this mark"))
        journal.write(Made(name=made, bytes=10))
        journal.end(Ended(outcome="completed"))
    opened, connect = recording("Hello.")

    app = open_app(tmp_path, connect)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await to_jobs(pilot)
        await until(pilot, lambda: len(screen.query_one(VirtualList).items) == 2)
        rows = screen.query_one(VirtualList)
        rows.cursor = [item.short for item in rows.items].index("x")
        await until(pilot, lambda: "t.txt" in text_of(screen, "#job Static"))
        await pilot.press("t")  # there is nothing to talk to
        assert app.screen is screen
        rows.cursor = [item.short for item in rows.items].index("abc")
        await until(pilot, lambda: "model.gguf" in text_of(screen, "#job Static"))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, PlaygroundScreen))
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: opened)
        assert opened == ["job:abc"]
        await until(pilot, lambda: "Hello." in text_of(app.screen, "Static"))


async def test_without_jobs_it_says_how_to_begin_one(tmp_path: Path) -> None:
    app = open_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await to_jobs(pilot)
        await until(pilot, lambda: "agentlab train" in text_of(screen, "#jobs-note"))
        assert not screen.query_one(VirtualList).items
        assert not screen.query_one("#jobs").display
        await pilot.press("s", "r", "escape")
        await to_roadmap(pilot)


async def test_a_job_is_shown_though_reading_takes_longer_than_from_one_look_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = JobsScreen._read
    inside: list[int] = []

    def slowly(screen: JobsScreen, id: str) -> JournalReader:
        inside.append(1)
        assert len(inside) == 1, "two threads read at once"
        time.sleep(0.2)
        found = read(screen, id)
        inside.pop()
        return found

    monkeypatch.setattr(JobsScreen, "_read", slowly)
    monkeypatch.setattr(jobs_screen, "LOOK_S", 0.02)
    job(tmp_path, "20261124-101530-abc-digits").end(Ended(outcome="completed"))
    app = open_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await to_jobs(pilot)
        await until(pilot, lambda: "completed" in text_of(screen, "#job Static"))
