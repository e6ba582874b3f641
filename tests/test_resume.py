"""Resuming: from any point of a run to the end it would have had, in the same trace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from conversation import call, calls, kinds, load, results_in, whole

from agentlab import Agent, Limits, tool
from agentlab.agent.transcript import Transcript
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError, TraceError
from agentlab.events import RunFinished, UnknownEvent
from agentlab.messages import Message


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def script(messages, *_) -> Message | str:
    """Two calls, then one, then an answer: told by the conversation alone."""
    asked = sum(m.role == "assistant" for m in messages)
    if asked == 0:
        return calls(call("add", id="a", a=1, b=2), call("add", id="b", a=3, b=4))
    return calls(call("add", id="a", a=3, b=7)) if asked == 1 else "10"


def summing(runs, said=script, **options) -> Any:
    return Agent(backend=Scripted(said), tools=[add], runs=runs, **options)


async def test_a_run_cut_after_any_event_comes_to_the_same_end(runs):
    path = (await summing(runs).run("?")).path
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + len(load(path).records)
    for cut in range(2, len(lines)):
        path.write_bytes(b"".join(lines[:cut]) + b'{"seq": 9')
        trace = load(path)
        assert trace.torn > 0
        result = await summing(runs).resume(trace)
        assert result.output == "10"
        assert kinds(whole(path))[cut - 1] == "run_resumed"
        results = results_in(result.messages)
        assert [r.call_id for r in results] == ["a", "b", "a"]
        assert {r.error for r in results} <= {None, "cancelled"}


async def test_a_cut_before_the_end_but_after_the_answer_asks_the_model_nothing(runs):
    path = (await summing(runs).run("?")).path
    *lines, _finished = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    again = summing(runs)
    assert (await again.resume(load(path))).output == "10"
    assert again.backend.requests == []


async def test_a_tool_that_was_at_work_is_not_run_again_and_the_model_is_told(runs):
    path = (await summing(runs).run("?")).path
    lines = path.read_bytes().splitlines(keepends=True)
    started = next(i for i, line in enumerate(lines) if b'"tool_started"' in line)
    path.write_bytes(b"".join(lines[: started + 1]))
    again = summing(runs)
    result = await again.resume(load(path))
    first, second, _ = results_in(result.messages)
    assert (first.error, second.content) == ("cancelled", "7")
    assert "what it had done by then is not known" in first.content


async def test_calls_already_begun_are_not_counted_against_the_limit_twice(runs):
    path = (await summing(runs).run("?")).path
    lines = path.read_bytes().splitlines(keepends=True)
    started = [i for i, line in enumerate(lines) if b'"tool_started"' in line]
    path.write_bytes(b"".join(lines[: started[1] + 1]))
    result = await summing(runs, limits=Limits(tool_calls=3)).resume(load(path))
    assert result.output == "10"


async def test_what_was_spent_before_counts(runs):
    path = (await summing(runs, limits=Limits(steps=2)).run("?")).path
    same = await summing(runs, limits=Limits(steps=2)).resume(load(path))
    assert same.outcome == "limit"
    more = await summing(runs, limits=Limits(steps=3)).resume(load(path))
    assert (more.outcome, more.output, more.limit) == ("completed", "10", None)
    whole(path)


async def test_a_run_that_failed_can_be_taken_up_again(runs):
    run = summing(runs, [calls(call("add", a=1, b=2)), BackendError("down")]).run("?")
    with pytest.raises(BackendError):
        await run
    result = await summing(runs, ["3"]).resume(load(run.path))
    assert result.output == "3"
    assert whole(run.path).events[-1] == RunFinished(outcome="completed", output="3")


async def test_a_run_that_was_stopped_can_be_taken_up_again(runs):
    run = summing(runs).run("?")
    async for event in run:
        if event.kind == "tool_started":
            run.stop()
    result = await summing(runs).resume(load(run.path))
    assert result.output == "10"
    whole(run.path)


async def test_a_run_that_is_complete_is_not_resumed(runs):
    result = await summing(runs).run("?")
    with pytest.raises(TraceError, match="is complete: pass its messages as history"):
        summing(runs).resume(load(result.path))


async def test_a_run_that_broke_off_before_it_began_is_not_resumed(runs):
    path = (await summing(runs).run("?")).path
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(TraceError, match="broke off before it began"):
        summing(runs).resume(load(path))


async def test_a_run_with_events_of_a_later_version_is_not_resumed(runs):
    path = (await summing(runs, limits=Limits(steps=1)).run("?")).path
    with path.open("a") as file:
        file.write('{"seq": 99, "at": 1.0, "event": {"kind": "dreamed"}}\n')
    trace = load(path)
    assert isinstance(trace.events[-1], UnknownEvent)
    with pytest.raises(TraceError, match="upgrade first"):
        summing(runs).resume(trace)


async def test_a_trace_under_another_name_does_not_write_into_another_runs_file(runs):
    first = (await summing(runs, limits=Limits(steps=1)).run("?")).path
    copy = first.with_name("copy.jsonl")
    copy.write_bytes(first.read_bytes())
    with pytest.raises(TraceError, match=f"name it {first.name} to continue"):
        summing(runs).resume(load(copy))


async def test_a_run_that_still_goes_on_elsewhere_is_not_resumed_beside_it(runs):
    run = summing(runs).run("?")
    async for event in run:
        if event.kind == "model_replied":
            with pytest.raises(TraceError, match="still being written"):
                await summing(runs).resume(load(run.path))
    assert run.result().output == "10"
    assert "run_resumed" not in kinds(whole(run.path))


async def test_the_state_is_nothing_but_the_fold_of_the_events(runs):
    run = summing(runs).run("?")
    async for event in run:
        if "delta" not in event.kind:
            stored = Transcript.of(load(run.path).events)
            assert stored == run.state.transcript


async def test_many_runs_at_once_keep_their_traces_apart(runs):
    agent = summing(runs)
    results = await asyncio.gather(*(_result(agent, n) for n in range(50)))
    assert len({result.path for result in results}) == 50
    for n, result in enumerate(results):
        assert result.output == "10"
        assert whole(result.path).events[0].messages[0].text == str(n)


async def _result(agent, n):
    return await agent.run(str(n))


def test_traces_need_no_agent_to_be_read(tmp_path: Path, runs):
    path = summing(runs).run_sync("?").path
    moved = path.rename(tmp_path / path.name)
    assert load(moved).events[-1] == RunFinished(outcome="completed", output="10")
