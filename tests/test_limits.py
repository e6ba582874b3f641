"""A run that reaches a limit ends cleanly, with what it has; parents pay for their children."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from conversation import call, calls, kinds, load, results_in, whole

from agentlab import Agent, Limits, tool
from agentlab.backend import BackendIdentity, Reply, TextDelta
from agentlab.backends.scripted import Scripted
from agentlab.errors import Refused, RunError
from agentlab.events import LimitReached, RunFinished
from agentlab.messages import Message, Usage


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return "never"


@tool
async def quick() -> str:
    """Answers at once."""
    return "quick"


ADD = calls(call("add", a=1, b=2))


def costs(said: Message | str, tokens: int = 10, cost: float | None = None) -> Reply:
    message = Message.assistant(said) if isinstance(said, str) else said
    usage = Usage(input_tokens=tokens - 1, output_tokens=1, cost=cost)
    return Reply(message=message, usage=usage)


def agent(replies, runs, limits: Limits, **more) -> Any:
    options: Any = {"tools": [add, hang, quick], **more}
    return Agent(backend=Scripted(replies), runs=runs, limits=limits, **options)


def ended_at(result, limit: Any, allowed: float) -> None:
    assert result.outcome == "limit"
    assert result.limit == LimitReached(limit=limit, allowed=allowed)
    trace = whole(result.path)
    assert kinds(trace).count("limit_reached") == 1
    assert trace.events[-1] == RunFinished(outcome="limit")
    with pytest.raises(RunError, match=f"reached its limit on {limit}"):
        _ = result.output


async def test_steps(runs):
    counted = agent(lambda *_: ADD, runs, Limits(steps=3))
    result = await counted.run("?")
    ended_at(result, "steps", 3)
    assert len(counted.backend.requests) == 3
    assert len(results_in(result.messages)) == 3


async def test_the_last_step_may_be_the_answer(runs):
    result = await agent([ADD, "3"], runs, Limits(steps=2)).run("?")
    assert result.output == "3"


async def test_tokens(runs):
    counted = agent(lambda *_: costs(ADD, tokens=10), runs, Limits(tokens=25))
    result = await counted.run("?")
    ended_at(result, "tokens", 25)
    assert result.usage.total_tokens == 30


async def test_cost(runs):
    counted = agent(lambda *_: costs(ADD, cost=0.2), runs, Limits(cost=0.5))
    result = await counted.run("?")
    ended_at(result, "cost", 0.5)
    assert len(counted.backend.requests) == 3


async def test_no_money_at_all_still_pays_for_what_is_free(runs):
    assert (await agent([costs("hi", cost=0.0)], runs, Limits(cost=0)).run("?")).output == "hi"
    paid = agent([costs(ADD, cost=0.01), "3"], runs, Limits(cost=0))
    ended_at(await paid.run("?"), "cost", 0)


async def test_what_was_said_before_the_limit_is_kept(runs):
    talkative = Message.assistant("So far: 3.", *ADD.tool_calls)
    result = await agent([talkative], runs, Limits(steps=1)).run("?")
    assert result.text == "So far: 3."


async def test_tool_calls_end_the_run_before_the_reply_that_asks_for_too_many(runs):
    made = []

    @tool
    def note(n: int) -> str:
        made.append(n)
        return "noted"

    first = calls(call("note", id="a", n=1), call("note", id="b", n=2))
    second = calls(call("note", id="c", n=3), call("note", id="d", n=4))
    result = await agent([first, second], runs, Limits(tool_calls=3), tools=[note]).run("?")
    ended_at(result, "tool_calls", 3)
    assert sorted(made) == [1, 2]
    answered = results_in(result.messages)
    assert [r.error for r in answered] == [None, None, "cancelled", "cancelled"]
    why = "a limit of the run was reached"  # what the model reads if the conversation goes on
    assert [r.content for r in answered] == ["noted", "noted", why, why]


async def test_no_tool_calls_may_be_made_at_all(runs):
    ended_at(await agent([ADD], runs, Limits(tool_calls=0)).run("?"), "tool_calls", 0)


async def test_results_of_an_earlier_reply_with_the_same_ids_are_not_given_again(runs):
    result = await agent([ADD, ADD], runs, Limits(tool_calls=1)).run("?")
    assert [r.error for r in results_in(result.messages)] == [None, "cancelled"]


@pytest.mark.parametrize(
    "same",
    [
        ADD,
        calls(call("ad", a=1)),  # a tool that is not there
        calls(call("add", a="one", b=2)),  # arguments that do not fit
    ],
)
async def test_repeats_end_a_run_that_goes_in_circles_even_if_nothing_is_ever_called(runs, same):
    circling = agent(lambda *_: same, runs, Limits(repeats=3))
    ended_at(await circling.run("?"), "repeats", 3)
    assert len(circling.backend.requests) == 4


async def test_repeats_count_calls_in_a_row_only(runs):
    other = calls(call("add", a=5, b=5))
    result = await agent([ADD, other, ADD, other, "ok"], runs, Limits(repeats=1)).run("?")
    assert result.output == "ok"
    twice = calls(call("add", id="1", a=1, b=2), call("add", id="2", a=1, b=2))
    ended_at(await agent([twice], runs, Limits(repeats=1)).run("?"), "repeats", 1)


# Time


class Endless:
    """A backend that talks for ever, with or without giving the event loop a turn."""

    identity = BackendIdentity(name="endless", model="endless")

    def __init__(self, pause) -> None:
        self.pause = pause
        self.closed = False

    async def stream(self, messages, **_):
        try:
            while True:
                await self.pause()
                yield TextDelta(text="and ")
        finally:
            self.closed = True

    async def aclose(self) -> None: ...


async def no_pause() -> None: ...


@pytest.mark.parametrize(
    "pause", [no_pause, lambda: asyncio.sleep(0), lambda: asyncio.Event().wait()]
)
async def test_time_interrupts_a_reply_that_does_not_end(runs, pause):
    backend = Endless(pause)
    result = await Agent(backend=backend, runs=runs, limits=Limits(seconds=0.05)).run("?")
    ended_at(result, "seconds", 0.05)
    assert backend.closed


async def test_time_interrupts_a_tool_and_keeps_what_the_others_made(runs):
    made = calls(call("quick", id="a"), call("hang", id="b"))
    result = await agent([made], runs, Limits(seconds=0.05)).run("?")
    ended_at(result, "seconds", 0.05)
    done, cut = results_in(result.messages)
    assert (done.content, done.error) == ("quick", None)
    assert (cut.content, cut.error) == ("the run ran out of time", "cancelled")


async def test_time_interrupts_a_plain_tool(runs):
    release = threading.Event()

    @tool
    def wait() -> bool:
        return release.wait(60)

    result = await agent([calls(call("wait"))], runs, Limits(seconds=0.05), tools=[wait]).run("?")
    release.set()
    ended_at(result, "seconds", 0.05)


async def test_time_interrupts_waiting_for_a_person(runs):
    async def nobody(_call):
        await asyncio.Event().wait()

    run = agent([ADD], runs, Limits(seconds=0.05), approval=lambda _: "ask").run(
        "?", approver=nobody
    )
    ended_at(await run, "seconds", 0.05)


async def test_a_slow_reader_loses_no_result_that_was_there_in_time(runs):
    made = calls(call("quick", id="a"), call("quick", id="b"), call("hang", id="c"))
    run = agent([made], runs, Limits(seconds=0.1)).run("?")
    async for event in run:
        if event.kind == "tool_finished":
            await asyncio.sleep(0.12)
    assert [r.error for r in results_in(run.result().messages)] == [None, None, "cancelled"]
    whole(run.path)


async def test_the_clock_starts_with_the_run_and_not_before(runs):
    run = agent(["hi"], runs, Limits(seconds=0.3)).run("?")
    await asyncio.sleep(0.35)
    assert (await run).output == "hi"


# Agents that agents call


def boss(child: Agent[Any], runs, limits: Limits, replies=None) -> Any:
    asks = calls(call("ask_child", request="Do it."))
    return Agent(
        backend=Scripted(replies or [costs(asks), costs("done")]),
        name="boss", tools=[child.as_tool()], runs=runs, limits=limits,
    )  # fmt: skip


async def test_a_parent_pays_for_its_child(runs):
    child = agent([costs(ADD, cost=0.5), costs("3", cost=0.25)], runs, Limits(), name="child")
    result = await boss(child, runs, Limits()).run("?")
    assert result.usage.total_tokens == 40
    assert result.usage.cost == 0.75
    assert results_in(result.messages)[0].content == "3"
    child_traces = [t for t in map(load, runs.glob("*.jsonl")) if t.header.agent == "child"]
    assert [t.header.parent.run for t in child_traces] == [result.run]
    assert [t.header.parent.call_id for t in child_traces] == ["1"]


@pytest.mark.parametrize(
    ("limits", "name"), [(Limits(tokens=35), "tokens"), (Limits(cost=0.35), "cost")]
)
async def test_a_child_stops_where_its_parents_budget_ends(runs, limits, name):
    child = agent(lambda *_: costs(ADD, cost=0.1), runs, Limits(steps=50), name="child")
    result = await boss(child, runs, limits).run("?")
    ended_at(result, name, limits.tokens or limits.cost)
    assert len(child.backend.requests) <= 4
    (answer,) = results_in(result.messages)
    assert answer.error == "tool_error"
    assert f"reached its limit on {name}" in answer.content


async def test_a_child_stops_when_its_parents_time_is_up(runs):
    child = agent([calls(call("hang"))], runs, Limits(seconds=60), name="child")
    result = await boss(child, runs, Limits(seconds=0.1)).run("?")
    ended_at(result, "seconds", 0.1)
    for path in runs.glob("*.jsonl"):
        whole(path)


async def test_a_child_that_fails_tells_its_parent_and_no_more(runs):
    child = agent([], runs, Limits(), name="child")
    result = await boss(child, runs, Limits()).run("?")
    assert result.output == "done"
    (answer,) = results_in(result.messages)
    assert answer.error == "tool_error"
    assert "the script holds 0 replies" in answer.content


async def test_what_a_child_says_is_shown_as_it_speaks(runs):
    child = agent(["one two"], runs, Limits(), name="child")
    run = boss(child, runs, Limits()).run("?")
    shown = [event.text async for event in run if event.kind == "tool_output"]
    assert "".join(shown) == "one two"


async def test_a_childs_typed_output_reaches_its_parent_as_json(runs):
    child = Agent(backend=Scripted(["[1, 2]"]), output_type=list[int], name="child", runs=runs)
    result = await boss(child, runs, Limits()).run("?")
    assert results_in(result.messages)[0].content == "[1,2]"


@pytest.mark.parametrize("bad", [{"steps": 0}, {"tokens": -1}, {"seconds": 0}, {"cost": -0.1}])
def test_limits_that_make_no_sense_are_refused(bad):
    with pytest.raises(Refused):
        Limits(**bad)
