"""A run on the engine: everything comes, in order, and a stop is clean."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tui_world import LABS, add_by_tool, adder

from agentlab.backend import Backend, TextDelta
from agentlab.backends.scripted import Scripted
from agentlab.errors import ModelNotFound
from agentlab.events import RunFinished
from agentlab.labs.answers import AgentAnswer
from agentlab.labs.find import load
from agentlab.labs.runner import AgentEvent, CheckDone, StepFinished
from agentlab.labs.values import AgentStep
from agentlab.trace import Trace, runs_in
from agentlab_tui.engine import Connect, Engine
from agentlab_tui.live_run import Ended, Job, LiveRun, Opened, Shown

LAB = load(LABS / "m9" / "tiny")


def job(runs: Path, *, practice: bool = True, answer: AgentAnswer | None = None) -> Job:
    step = LAB.step("adder")
    assert isinstance(step, AgentStep)
    answer = answer or step.solution
    return Job(lab=LAB, step=step, answer=answer, backend="tiny", runs=runs, practice=practice)


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    opened: list[Engine] = []
    yield opened
    for engine in opened:
        engine.close()


def to_the_end(run: LiveRun) -> list[Shown]:
    events: list[Shown] = []
    until = time.monotonic() + 20
    while time.monotonic() < until:
        events += run.take()
        if events and isinstance(events[-1], Ended):
            return events
        time.sleep(0.005)
    raise AssertionError(f"no end: {events[-3:]}")


def begin(engines: list[Engine], connect: Connect, job: Job) -> LiveRun:
    engines.append(Engine(connect))
    return LiveRun(engines[-1], job)


def test_a_run_comes_whole_and_in_order(engines: list[Engine], tmp_path: Path) -> None:
    events = to_the_end(begin(engines, adder(), job(tmp_path, practice=False)))
    assert isinstance(events[0], Opened)
    assert events[-1] == Ended("done")
    (report,) = [event.report for event in events if isinstance(event, StepFinished)]
    assert report.passed
    assert [e.check.id for e in events if isinstance(e, CheckDone)] == ["right", "called"]
    assert len(list(runs_in(tmp_path))) == 3


def test_text_that_waits_is_joined_so_that_it_is_drawn_once(
    engines: list[Engine], tmp_path: Path
) -> None:
    run = begin(engines, adder(), job(tmp_path))
    time.sleep(0.3)
    texts = [
        event.event.text
        for event in to_the_end(run)
        if isinstance(event, AgentEvent) and isinstance(event.event, TextDelta)
    ]
    assert "I will add 4 and 3 with the tool." in texts


def test_a_stop_ends_the_run_as_cancelled_and_its_trace_is_whole(
    engines: list[Engine], tmp_path: Path
) -> None:
    run = begin(engines, adder(pace=0.05), job(tmp_path))
    seen: list[Shown] = []
    while not any(isinstance(e, AgentEvent) and isinstance(e.event, TextDelta) for e in seen):
        seen += run.take()
        time.sleep(0.005)
    run.stop()
    seen += to_the_end(run)
    assert seen[-1] == Ended("stopped")
    assert not any(isinstance(event, CheckDone) for event in seen)
    (path,) = runs_in(tmp_path)
    assert Trace.load(path).events[-1] == RunFinished(outcome="cancelled")


def test_closing_the_engine_in_mid_run_leaves_a_whole_trace_and_no_thread(tmp_path: Path) -> None:
    engine = Engine(adder(pace=0.05))
    run = LiveRun(engine, job(tmp_path))
    while not any(isinstance(e, AgentEvent) for e in run.take()):
        time.sleep(0.005)
    engine.close()
    engine.close()
    (path,) = runs_in(tmp_path)
    assert Trace.load(path).events[-1] == RunFinished(outcome="cancelled")
    assert not any(thread.name == "agentlab-engine" for thread in threading.enumerate())


def test_a_model_that_is_not_there_is_one_line(engines: list[Engine], tmp_path: Path) -> None:
    def connect(name: str) -> Backend:
        raise ModelNotFound(f"no model {name}: `agentlab models` lists those there are")

    events = to_the_end(begin(engines, connect, job(tmp_path)))
    assert events == [Ended("broken", "no model tiny: `agentlab models` lists those there are")]


def test_a_tool_the_step_does_not_have_is_one_line(engines: list[Engine], tmp_path: Path) -> None:
    wrong = AgentAnswer(tools=("search",))
    events = to_the_end(begin(engines, adder(), job(tmp_path, answer=wrong)))
    assert events[-1] == Ended("broken", "step adder has no tool 'search'; its tools are: add")


def test_a_bug_ends_the_run_and_not_the_app(engines: list[Engine], tmp_path: Path) -> None:
    backend = Scripted([KeyError("oops")])
    events = to_the_end(begin(engines, lambda _: backend, job(tmp_path)))
    assert events[-1] == Ended("broken", "a bug: KeyError: 'oops'")


def test_a_model_is_opened_once_for_many_runs(engines: list[Engine], tmp_path: Path) -> None:
    opened: list[str] = []

    def connect(name: str) -> Backend:
        opened.append(name)
        return Scripted(add_by_tool)

    first = begin(engines, connect, job(tmp_path))
    assert to_the_end(first)[-1] == Ended("done")
    assert to_the_end(LiveRun(engines[0], job(tmp_path)))[-1] == Ended("done")
    assert opened == ["tiny"]
