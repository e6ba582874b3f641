"""Results from a log: found by the place of their call, and never given to another one."""

from __future__ import annotations

import pytest
from conversation import call, calls

from agentlab.backend import BackendIdentity, Reply
from agentlab.errors import BackendError, RateLimited
from agentlab.events import ModelReplied, RunFailed, ToolFinished
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.replay.recorded import RecordedBackend, RecordedResults, recorded_tool
from agentlab.tooling import tool


@tool(timeout=3)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def asked(*made: ToolCall) -> ModelReplied:
    return ModelReplied(reply=Reply(message=calls(*made)))


def answered(id: str, content: str) -> ToolFinished:
    return ToolFinished(result=ToolResult(call_id=id, content=content))


ONE, TWO = call("add", id="one", a=1, b=2), call("add", id="two", a=3, b=4)
LOG = (asked(ONE, TWO), answered("two", "7"), answered("one", "3"))


def test_a_call_made_again_gets_its_result_under_its_new_id():
    results = RecordedResults(LOG)
    x, y = (
        ToolCall(id="x", name="add", arguments='{"a":1,  "b":2}'),
        call("add", id="y", a=3, b=4),
    )
    results.follow(asked(x, y))
    assert results.of(x) == ToolResult(call_id="x", content="3")
    assert results.of(y) == ToolResult(call_id="y", content="7")


def test_another_call_at_the_place_gets_an_error_and_runs_nothing():
    results = RecordedResults(LOG)
    others = (
        call("sub", id="x", a=1, b=2),
        call("add", id="x", a=1, b=3),
        ToolCall(id="x", name="add", arguments="not JSON"),
    )
    for other in others:
        results.again([asked(other)])
        assert results.of(other) == ToolResult(
            call_id="x",
            content="this call is not in the log, and no tool was run",
            error="tool_error",
        )
    results.follow(asked(ONE))  # the second reply of a run whose log has one
    assert results.of(ONE).error == "tool_error"


def test_beginning_again_finds_the_results_of_the_run_that_begins_there():
    results = RecordedResults((*LOG, asked(ONE), answered("one", "later")))
    for event in LOG:
        results.follow(event)
    results.follow(asked(ONE))
    assert results.of(ONE).content == "later"
    results.again([asked(ONE, TWO)])
    assert [results.of(c).content for c in (ONE, TWO)] == ["3", "7"]
    results.again([])
    results.follow(LOG[0])
    assert results.of(ONE).content == "3"


async def test_a_stand_in_looks_like_the_tool_and_takes_any_arguments():
    results = RecordedResults((asked(call("add", id="z", free="form")), answered("z", "ok")))
    stand_in = recorded_tool(add.spec, results)
    assert stand_in.spec == add.spec
    assert (stand_in.name, stand_in.description, stand_in.timeout) == ("add", add.description, None)
    made = call("add", id="w", free="form")
    results.follow(asked(made))
    assert await stand_in.call(made) == ToolResult(call_id="w", content="ok")


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("RateLimited", RateLimited),
        ("TraceError", BackendError),  # ours, and no backend's
        ("annotations", BackendError),  # no class at all
        ("NoLongerThere", BackendError),
    ],
)
async def test_a_failure_in_the_log_is_raised_as_what_it_was(kind: str, raised: type[Exception]):
    failed = RunFailed(error=kind, message="try again in 3 s")
    backend = RecordedBackend(BackendIdentity(name="local", model="m"), (failed,))
    with pytest.raises(BackendError, match=r"^try again in 3 s$") as failure:
        async for _ in backend.stream([Message.user("Go.")]):
            pass
    assert type(failure.value) is raised
