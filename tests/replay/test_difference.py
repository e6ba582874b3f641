"""Comparing two runs: aligned by step, with what is left out, put in or changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conversation import call, calls, load
from recordings import adding, recorded

from agentlab import Limits, Message, Settings
from agentlab.events import MessageAdded
from agentlab.replay import diff, fork
from agentlab.trace import Record


@pytest.fixture
def trace(runs) -> Any:
    return recorded(runs)


def told(found: Any) -> list[tuple[str, int | None, int | None]]:
    return [(r.sameness, r.seq_a, r.seq_b) for r in found.rows if r.sameness != "same"]


def test_equal_runs_are_the_same(trace, runs):
    found = diff(trace, recorded(runs))
    assert found.same
    assert len(found.rows) == len(trace.events)
    assert found.header == ()
    assert [row.step for row in found.rows] == [0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3]


async def test_a_changed_result_and_what_followed_from_it(trace, runs):
    child = load((await fork(trace, at=4, agent=adding(runs), tool_result="100")).path)
    assert told(diff(trace, child)) == [
        ("changed", 4, 4),
        ("changed", 6, 6),
        ("changed", 7, 7),
        ("changed", 8, 8),
        ("changed", 9, 9),
        ("changed", 10, 10),
    ]


def test_a_step_left_out_or_put_in_does_not_make_the_rest_differ(runs):
    sums = [calls(call("add", id=str(n), a=n, b=n)) for n in range(6)]
    whole = recorded(runs, said=[*sums, "Done."])
    part = recorded(runs, said=[*sums[:2], *sums[3:], "Done."])
    assert told(diff(whole, part)) == [("only_a", n, None) for n in (7, 8, 9)]
    assert told(diff(part, whole)) == [("only_b", None, n) for n in (7, 8, 9)]


def test_ids_of_calls_do_not_count(runs):
    one = recorded(runs, said=[calls(call("add", id="x", a=1, b=1)), "2"])
    two = recorded(runs, said=[calls(call("add", id="y", a=1, b=1)), "2"])
    assert diff(one, two).same


def test_what_differs_around_the_runs_is_listed_but_is_no_difference(trace, runs):
    other = recorded(runs, settings=Settings(temperature=0.5), limits=Limits(steps=9), name="b")
    found = diff(trace, other)
    assert found.same
    assert found.header == (
        "agent: agent / b",
        "temperature: None / 0.5",
        "limit on steps: 50 / 9",
    )
    none = recorded(runs, said=["Hi."], tools=[])
    assert "tool add: there / not there" in diff(trace, none).header


def test_very_long_runs_that_repeat_themselves_are_compared_in_time(runs):
    trace = recorded(runs, said=[calls(call("add", id="1", a=1, b=1)), "2"])
    start, *step, last, end = trace.events
    other = MessageAdded(message=Message.user("Again."))

    def long(*events: Any) -> Any:
        records = (Record(seq=n, at=0.0, event=event) for n, event in enumerate(events))
        return replace(trace, records=tuple(records))

    for many in (1900, 4000):
        one = long(start, *step * many, last, end)
        two = long(start, other, *step * many, other, last, end)
        found = diff(one, two)
        assert not found.same
        assert len(found.rows) == len(two.records)
