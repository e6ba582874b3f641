"""What holds of every run: it plays back, it comes again, it forks and goes on from anywhere.

`AGENTLAB_EXAMPLES=10000` tries as many random programs.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from conversation import check_conversation
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from programs import Program, programs, stored

from agentlab.agent.transcript import Transcript
from agentlab.errors import AgentLabError, TraceError
from agentlab.events import RunFailed, RunFinished, RunStarted
from agentlab.replay import diff, fork, replay, verify
from agentlab.replay.verify import Source
from agentlab.trace import Trace, runs_in

EXAMPLES = int(os.environ.get("AGENTLAB_EXAMPLES", "60"))
SOURCES: tuple[Source, ...] = ("run", "log")
many = settings(max_examples=EXAMPLES)


def check_whole(trace: Trace) -> None:
    """A run that ended, every call of it answered unless it waits for a person."""
    assert trace.torn == 0
    assert [record.seq for record in trace.records] == list(range(len(trace.records)))
    assert isinstance(trace.events[0], RunStarted)
    assert isinstance(trace.events[-1], RunFinished | RunFailed)
    state = Transcript.of(trace.events)  # pyright: ignore[reportArgumentType]
    if not (isinstance(state.end, RunFinished) and state.end.outcome == "paused"):
        assert state.waiting == []
        check_conversation(state.messages)


async def logged(program: Program, folder: Path) -> tuple[list[Any], Trace]:
    run = program.agent(folder).run("Go.", approver=program.approver)
    events = await stored(run, program.stop_after)
    assert run.path is not None
    return events, Trace.load(run.path)


@many
@given(programs)
async def test_a_run_played_back_is_the_run(program: Program):
    with tempfile.TemporaryDirectory() as folder:
        events, trace = await logged(program, Path(folder))
        assert [event async for event in replay(trace)] == events
        assert diff(trace, trace).same
        check_whole(trace)


@many
@given(programs)
async def test_a_run_comes_again_from_its_log_and_from_its_agent(program: Program):
    with tempfile.TemporaryDirectory() as folder:
        _, trace = await logged(program, Path(folder))
        agent = program.agent(Path(folder))
        for model, tools in itertools.product(SOURCES, SOURCES):
            found = await verify(trace, agent, model=model, tools=tools)
            assert found.difference is None, (model, tools)
        assert list(runs_in(Path(folder))) == [trace.path]


@many
@given(programs)
async def test_a_fork_at_any_event_begins_as_its_parent_and_ends_well(program: Program):
    with tempfile.TemporaryDirectory() as folder:
        events, trace = await logged(program, Path(folder))
        for at in range(len(events)):
            run = fork(trace, at=at, agent=program.agent(Path(folder)), approver=program.approver)
            await stored(run)
            assert run.path is not None
            child = Trace.load(run.path)
            assert list(child.events[: at + 1]) == events[: at + 1]
            assert child.header.parent is not None
            assert (child.header.parent.run, child.header.parent.seq) == (trace.header.run, at)
            check_whole(child)
            again = await verify(child, program.agent(None), model="log", tools="log")
            assert again.difference is None


@many
@given(programs, st.lists(st.floats(0, 1), max_size=5))
async def test_a_run_cut_at_any_byte_goes_on_to_a_valid_end(program: Program, places: list[float]):
    with tempfile.TemporaryDirectory() as folder:
        _, trace = await logged(program, Path(folder))
        whole = trace.path.read_bytes()
        header = whole.index(b"\n") + 1
        ends = [i + 1 for i, byte in enumerate(whole) if byte == 10 and i >= header]
        inside = [header + int(place * (len(whole) - header)) for place in places]
        for cut in {*ends, *(end - 1 for end in ends), *inside}:
            await resumes_to_a_valid_end(program, trace, whole[:cut])


@pytest.mark.slow
@settings(max_examples=max(2, EXAMPLES // 500), phases=[Phase.explicit, Phase.generate])
@given(programs)
async def test_a_run_cut_at_every_byte_goes_on_to_a_valid_end(program: Program):
    with tempfile.TemporaryDirectory() as folder:
        _, trace = await logged(program, Path(folder))
        whole = trace.path.read_bytes()
        for cut in range(whole.index(b"\n") + 1, len(whole) + 1):
            await resumes_to_a_valid_end(program, trace, whole[:cut])


async def resumes_to_a_valid_end(program: Program, trace: Trace, data: bytes) -> None:
    trace.path.write_bytes(data)
    cut = Trace.load(trace.path)
    assert cut.events == trace.events[: data.count(b"\n") - 1]
    assert bool(cut.torn) is not data.endswith(b"\n")
    agent = program.agent(trace.path.parent)
    last = cut.events[-1] if cut.events else None
    if last is None or last == RunFinished(outcome="completed", output="Done."):
        with pytest.raises(TraceError, match=r"is complete|before it began"):
            agent.resume(cut)
        return
    run = agent.resume(cut, approver=program.approver)
    await stored(run)
    taken_up = Trace.load(trace.path)
    check_whole(taken_up)
    again = await verify(taken_up, agent, model="log", tools="log")
    assert again.difference is None
    try:
        run.result()
    except AgentLabError:
        assert isinstance(run.state.transcript.end, RunFailed)
