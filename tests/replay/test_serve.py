"""Serving: the log is played back as it is, at any speed, from anywhere to anywhere."""

from __future__ import annotations

import json

import pytest
from recordings import WORKED, recorded

from agentlab.errors import ConfigError
from agentlab.replay import replay
from agentlab.replay.serve import LONGEST_PAUSE
from agentlab.trace import Trace


async def played(trace: Trace, **options):
    return [event async for event in replay(trace, **options)]


async def test_it_is_all_from_the_log(runs):
    trace = recorded(runs)
    assert tuple(await played(trace)) == trace.events
    assert WORKED == []


async def test_from_and_to_are_both_played(runs):
    trace = recorded(runs)
    assert tuple(await played(trace, from_=3, to=6)) == trace.events[3:7]
    assert tuple(await played(trace, to=0)) == trace.events[:1]
    assert await played(trace, from_=11) == []


async def test_words_add_up_to_the_reply_that_follows(runs):
    trace = recorded(runs)
    said = ""
    for event in await played(trace, deltas=True):
        if event.kind == "text_delta":
            said += event.text
        if event.kind == "model_replied":
            assert event.reply.message.text == said
            said = ""
    assert [e for e in await played(trace, deltas=True) if "delta" not in e.kind] == [*trace.events]


def retimed(trace: Trace, *clocks: float) -> Trace:
    """The trace, with its first events at these times."""
    lines = trace.path.read_text().splitlines()
    for number, at in enumerate(clocks, 1):
        lines[number] = json.dumps({**json.loads(lines[number]), "at": at})
    trace.path.write_text("\n".join(lines[: 1 + len(clocks)]) + "\n")
    return Trace.load(trace.path)


@pytest.mark.parametrize("deltas", [False, True])
async def test_pauses_are_those_of_the_log_divided_by_the_speed(runs, monkeypatch, deltas):
    trace = retimed(recorded(runs), 100.0, 104.0, 103.0, 9e9)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("agentlab.replay.serve.asyncio.sleep", sleep)
    await played(trace, speed=2, deltas=deltas)
    assert sum(slept) == pytest.approx(2.0 + LONGEST_PAUSE)
    slept.clear()
    await played(trace)
    assert slept == []


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
async def test_a_speed_that_goes_nowhere_is_refused(runs, speed):
    trace = recorded(runs)
    with pytest.raises(ConfigError, match="is not above 0"):
        await played(trace, speed=speed)


async def test_a_speed_below_1_is_slow_motion(runs):
    trace = recorded(runs)
    assert tuple(await played(trace, speed=0.9)) == trace.events
