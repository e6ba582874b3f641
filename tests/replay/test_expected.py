"""What a log leads one to expect: crossed off as it comes, and named where it does not come."""

from __future__ import annotations

from typing import Any

import pytest
from conversation import call, calls

from agentlab import Message
from agentlab.backend import Reply
from agentlab.events import (
    LimitReached,
    ModelReplied,
    RunFinished,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
)
from agentlab.messages import ToolResult
from agentlab.replay.expected import Expected, without_outside_end

A, B = call("add", id="a", a=1, b=2), call("add", id="b", a=3, b=4)
STARTED = RunStarted(messages=(Message.user("Go."),))
REPLIED = ModelReplied(reply=Reply(message=calls(A, B)))
DONE = RunFinished(outcome="completed", output="ok")


def finished(id: str, content: str = "3", **options: Any) -> ToolFinished:
    return ToolFinished(result=ToolResult(call_id=id, content=content, **options))


def expected(*part: StoredEvent, open_end: bool = False) -> Expected:
    """What is expected of a part that begins at place 7."""
    return Expected([], list(enumerate(part, 7)), open_end=open_end)


def test_what_did_not_come_is_named_by_the_first_of_it():
    log = expected(STARTED, REPLIED, finished("a"), ToolStarted(call=A), DONE)
    assert log.take(STARTED) is True
    assert log.take(REPLIED) is True
    assert not log.done
    assert log.counterpart(None) == (finished("a"), 9)  # a result, before what stands in order
    assert log.take(finished("a")) is True
    assert log.counterpart(None) == (ToolStarted(call=A), 10)
    assert log.take(ToolStarted(call=A)) is True
    assert log.take(DONE) is True
    assert log.done
    assert log.counterpart(None) == (None, None)


def test_what_came_and_is_not_in_the_log_has_no_counterpart():
    log = expected(STARTED)
    assert log.take(STARTED) is True
    assert log.take(DONE) == "what happened"
    assert log.counterpart(DONE) == (None, None)
    assert log.take(finished("a")) == "the result of a call"
    assert log.counterpart(finished("a")) == (None, None)


def test_what_came_differently_stands_beside_what_the_log_has():
    log = expected(STARTED, REPLIED, finished("a", "3"))
    log.take(STARTED)
    log.take(REPLIED)
    assert log.take(finished("a", "4")) == "the result of a call"
    assert log.counterpart(finished("a", "4")) == (finished("a", "3"), 9)


def test_results_may_come_in_any_order_and_late_where_the_log_broke_off():
    log = expected(STARTED, REPLIED, finished("a"), finished("b", "7"), open_end=True)
    assert [log.take(e) for e in (STARTED, REPLIED, finished("b", "7"))] == [True] * 3
    assert log.take(finished("b", "7")) is False
    assert log.take(finished("a")) is True
    assert log.done


STOPPED = RunFinished(outcome="cancelled")
AT_LIMIT = RunFinished(outcome="limit")
CUT = finished("b", "cancelled", error="cancelled")
CLOCK = LimitReached(limit="seconds", allowed=1)
STEPS = LimitReached(limit="steps", allowed=1)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ((finished("a"), CUT, STOPPED), "was stopped"),
        ((CUT, finished("a"), STOPPED), "was stopped"),
        ((CUT, finished("a"), CLOCK, AT_LIMIT), "ran out of time"),
        ((finished("a"), CUT, CLOCK, AT_LIMIT), "ran out of time"),
    ],
)
def test_what_was_made_up_for_the_rest_of_a_stopped_run_is_left_out(
    end: tuple[StoredEvent, ...], why: str
):
    part = (STARTED, REPLIED, *end)
    kept, ended = without_outside_end(part, 5)
    assert [event for _, event in kept] == [STARTED, REPLIED, finished("a")]
    assert [place for place, _ in kept] == [5, 6, 5 + part.index(finished("a"))]
    assert ended == f"the run {why} from outside; what came before was checked"


@pytest.mark.parametrize(
    "part",
    [(STARTED, REPLIED, finished("a"), STEPS, AT_LIMIT), (STARTED, DONE)],
    ids=["limit", "completed"],
)
def test_an_end_of_its_own_is_checked(part: tuple[StoredEvent, ...]):
    assert without_outside_end(part, 0) == (list(enumerate(part)), None)


def test_a_log_that_breaks_off_is_checked_as_far_as_it_goes():
    kept, ended = without_outside_end((STARTED, REPLIED, CUT), 0)
    assert [event for _, event in kept] == [STARTED, REPLIED]
    assert ended == "the log breaks off; what it holds was checked"
    assert without_outside_end((), 0)[0] == []
