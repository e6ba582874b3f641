"""Comparing two runs: aligned by step, with what is left out, put in or changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conversation import call, calls, load
from recordings import adding, recorded

from agentlab import Limits, Message, Settings
from agentlab.backend import Reply
from agentlab.events import (
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFinished,
    RunStarted,
    ToolFinished,
    ToolStarted,
)
from agentlab.messages import Blob, Image, Reasoning, Text, ToolResult
from agentlab.replay import diff, fork
from agentlab.replay.compare import in_words
from agentlab.tooling import tool
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
    for found, side in ((diff(whole, part), "a"), (diff(part, whole), "b")):
        rows = [row for row in found.rows if row.sameness != "same"]
        assert [row.step for row in rows] == [3, 3, 3]
        assert [getattr(row, side) for row in rows] == list(whole.events[7:10])


def made(trace: Any, *events: Any) -> Any:
    """A run with these events and the trace's header."""
    records = (Record(seq=n, at=0.0, event=event) for n, event in enumerate(events))
    return replace(trace, records=tuple(records))


def step(words: str) -> ModelReplied:
    return ModelReplied(reply=Reply(message=Message.assistant(words)))


START = RunStarted(messages=(Message.user("Go."),))
S1, S2, S3, S4 = (step(f"{n}.") for n in range(1, 5))


@pytest.mark.parametrize(
    ("left", "right"),
    [((S1, S2), (S2, S1)), ((S1, S2, S3), (S2, S1, S3)), ((S2, S1, S3), (S1, S2, S3))],
)
def test_steps_that_changed_places_are_moved_not_changed(trace, left, right):
    rows = diff(made(trace, START, *left), made(trace, START, *right)).rows
    sameness = sorted(row.sameness for row in rows)
    assert sameness == ["only_a", "only_b", *["same"] * len(left)]


def test_another_beginning_does_not_hide_that_the_rest_is_aligned(trace):
    other = RunStarted(messages=(Message.user("Come."),))
    one, two = made(trace, START, S1, S2, S3), made(trace, other, S2, S3)
    assert told(diff(one, two)) == [("changed", 0, 0), ("only_a", 1, None)]


def test_runs_too_long_to_align_are_compared_from_the_front(trace, monkeypatch):
    one, two = made(trace, START, S1, S2, S3), made(trace, START, S2, S3, S4)
    moved = [("only_a", 1, None), ("only_b", None, 3)]
    monkeypatch.setattr("agentlab.replay.difference._MOST_COMPARED", 9)
    assert told(diff(one, two)) == moved
    monkeypatch.setattr("agentlab.replay.difference._MOST_COMPARED", 8)
    assert told(diff(one, two)) == [("changed", n, n) for n in (1, 2, 3)]
    longer = made(trace, START, S2, S3, S4, S1)
    assert told(diff(one, longer))[-1] == ("only_b", None, 4)
    assert told(diff(longer, one))[-1] == ("only_a", 4, None)


def test_steps_that_come_again_and_again_are_aligned_all_the_same(trace):
    many = [S1] * 250
    one = made(trace, START, S2, *many, S3)
    two = made(trace, START, *many, S4)
    assert told(diff(one, two)) == [("only_a", 1, None), ("changed", 252, 251)]


def test_results_side_by_side_count_in_the_order_of_their_calls_wherever_they_stand(trace):
    a, b = call("add", id="a", a=1, b=2), call("add", id="b", a=3, b=4)
    first, second = (
        ToolFinished(result=ToolResult(call_id=id, content=content))
        for id, content in (("a", "3"), ("b", "7"))
    )
    asked = ModelReplied(reply=Reply(message=calls(a, b)))
    begun = [ToolStarted(call=a), ToolStarted(call=b)]
    end = [LimitReached(limit="steps", allowed=1), RunFinished(outcome="limit")]
    one = made(trace, START, asked, *begun, first, second, *end)
    two = made(trace, START, asked, *begun, second, first, *end)
    assert diff(one, two).same


def test_events_are_put_in_lines():
    assert in_words(MessageAdded(message=Message.user("Again,\nplease."))) == (
        "message_added",
        "  user: Again,",
        "    please.",
    )
    result = ToolResult(call_id="a", content="3", error=None)
    assert in_words(ToolFinished(result=result)) == ("tool_finished", "  content: 3")
    output = {"field": {"name": "north", "notes": "", "sides": [1, 2]}}
    assert in_words(RunFinished(outcome="completed", output=output)) == (
        "run_finished",
        "  outcome: completed",
        "  output.field.name: north",
        "  output.field.sides: [1,2]",
    )


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

    @tool(name="add")
    def three(a: int, b: int, c: int) -> int:
        """Add three numbers."""
        return a + b + c

    assert (
        "tool add: another schema"
        in diff(trace, recorded(runs, said=["Hi."], tools=[three])).header
    )


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
        assert [row[0] for row in told(found)] == ["only_b", "only_b"]
        assert len(found.rows) == len(two.records)


def test_every_part_of_a_message_is_put_in_words():
    message = Message(
        role="user",
        parts=(
            Text(text="first\nsecond"),
            Reasoning(text="hm"),
            call("add", id="a", a=1),
            ToolResult(call_id="a", content="3"),
            ToolResult(call_id="b", content="no such tool", error="unknown_tool"),
            Image(media_type="image/png", blob=Blob(sha256="0123456789ab" + "f" * 52, size=3)),
        ),
    )
    lines = (
        "  user: first",
        "    second",
        "  thinks: hm",
        '  → add({"a": 1})',
        "  ← result: 3",
        "  ← unknown_tool: no such tool",
        "  image 0123456789ab",
    )
    assert in_words(MessageAdded(message=message)) == ("message_added", *lines)
    assert in_words(RunStarted(messages=(message,))) == ("run_started", *lines)
