"""Verifying: what changed is found, what only looks different is not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conversation import call, calls, load
from recordings import WORKED, add, adding, recorded, script

from agentlab import Agent, Decision, Limits, Message, Policy, Settings, ToolContext, tool
from agentlab.backend import BackendIdentity, Reply
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError
from agentlab.events import ToolFinished
from agentlab.messages import Reasoning, ToolResult, Usage
from agentlab.replay import fork, verify
from agentlab.trace import Record


@pytest.fixture
def trace(runs) -> Any:
    return recorded(runs)


async def test_the_same_agent_does_the_same(trace):
    found = await verify(trace, adding(None))
    assert (found.same, found.checked, found.total) == (True, 11, 11)
    assert WORKED == [(1, 2), (3, 4), (3, 7)]
    assert found.notes == ()


async def test_nothing_is_installed_where_all_comes_from_the_log(trace):
    WORKED.clear()
    assert (await verify(trace, model="log", tools="log")).same
    assert WORKED == []


async def test_tools_from_the_log_are_not_run(trace):
    WORKED.clear()
    assert (await verify(trace, adding(None), tools="log")).same
    assert WORKED == []


async def test_another_reply_is_shown_with_both_sides(trace):
    def other(messages: Any, *rest: Any) -> Any:
        said = script(messages, *rest)
        return "It makes ten." if isinstance(said, str) else said

    found = await verify(trace, adding(None, other))
    assert found.difference is not None
    assert (found.difference.what, found.difference.seq) == ("reply 3", 9)
    assert found.difference.then == ("model_replied (end)", "  assistant: The sum is 10.")
    assert found.difference.now == ("model_replied (end)", "  assistant: It makes ten.")
    assert found.checked == 9


async def test_the_first_token_that_differs_is_named_though_the_words_are_the_same(runs):
    def said(ids: tuple[int, ...]) -> Reply:
        return Reply(message=Message.assistant("Hi."), token_ids=ids)

    trace = recorded(runs, said=[said((5, 6, 7))])
    found = await verify(trace, adding(None, [said((5, 6, 8))]))
    assert found.difference is not None
    assert (found.difference.what, found.difference.token) == ("token 3 of reply 1", 2)
    words = ("model_replied (end)", "  assistant: Hi.")
    assert found.difference.then == (*words, "  token 3: 7")
    assert found.difference.now == (*words, "  token 3: 8")
    shorter = await verify(trace, adding(None, [said((5, 6))]))
    assert shorter.difference is not None
    assert shorter.difference.now[-1].strip() == "token 3: none, the reply is over"
    assert (await verify(trace, adding(None, [said((5, 6, 7))]))).same


async def test_another_result_is_found(trace):
    @tool(name="add")
    async def off_by_one(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b + 1

    found = await verify(trace, adding(None, tools=[off_by_one]), model="log")
    assert found.difference is not None
    assert found.difference.what == "the result of a call"
    assert found.difference.then[1:] == ("  content: 3",)
    assert found.difference.now[1:] == ("  content: 4",)


async def test_results_in_another_order_are_the_same(runs):
    said = [calls(call("slow", id="a"), call("quick", id="b")), "Done."]
    turn = itertools.count()

    @tool
    async def slow() -> str:
        """Be slow at first."""
        import asyncio

        await asyncio.sleep(0.05 if next(turn) == 0 else 0)
        return "slow"

    @tool
    async def quick() -> str:
        """Be slow later."""
        import asyncio

        await asyncio.sleep(0.0 if next(turn) < 2 else 0.05)
        return "quick"

    trace = load((await adding(runs, said, tools=[slow, quick]).run("?")).path)
    again = adding(None, said, tools=[slow, quick])
    live = [e async for e in again.run("?") if e.kind == "tool_finished"]
    assert [e for e in trace.events if e.kind == "tool_finished"] == live[::-1]
    assert (await verify(trace, adding(None, said, tools=[slow, quick]))).same


async def test_other_instructions_are_found_before_anything_is_asked(trace):
    agent = adding(None, instructions="Multiply.")
    found = await verify(trace, agent)
    assert found.difference is not None
    assert found.difference.what == "what the run starts from"
    assert "  system: Add." in found.difference.then
    assert "  system: Multiply." in found.difference.now


async def test_a_tool_that_looks_otherwise_is_found(trace):
    found = await verify(trace, adding(None, tools=[add.with_(description="Sum up.")]))
    assert found.difference is not None
    assert found.difference.what == "the tools"
    assert "Sum up." in found.difference.now[0]


async def test_other_settings_are_found(trace):
    found = await verify(trace, adding(None, settings=Settings(temperature=0.5)))
    assert found.difference is not None
    assert (found.difference.then, found.difference.now) == (
        ("temperature: None",),
        ("temperature: 0.5",),
    )


async def test_a_run_that_ends_sooner_or_later_is_found(trace, runs):
    sooner = await verify(trace, adding(None, limits=Limits(steps=2)))
    assert sooner.difference is not None
    assert sooner.difference.now[0] == "limit_reached"
    short = recorded(runs, limits=Limits(steps=2))
    later = await verify(short, adding(None), model="log")
    assert later.difference is not None
    assert later.difference.then[0] == "limit_reached"
    assert "log holds 2 replies, and one more was asked for" in " ".join(later.difference.now)


async def test_ids_signatures_and_money_do_not_count(runs):
    def said(number: int) -> list[Any]:
        made = Message.assistant(
            Reasoning(text="Hm.", signature=f"sig{number}"), call("add", id=f"id{number}", a=1, b=2)
        )
        first = Reply(message=made, usage=Usage(input_tokens=number), stop="tool_calls")
        return [first, "3"]

    trace = recorded(runs, said=said(1))
    assert (await verify(trace, adding(None, said(2)))).same
    other = said(2)
    other[0] = other[0].model_copy(
        update={"message": Message.assistant(Reasoning(text="Ha."), call("add", a=1, b=2))}
    )
    assert not (await verify(trace, adding(None, other))).same


async def test_a_failure_comes_again(runs):
    run = adding(runs, [calls(call("add", a=1, b=2)), BackendError("down")]).run("?")
    [_ async for _ in run]
    trace = load(run.path)
    assert (await verify(trace, model="log", tools="log")).same
    found = await verify(trace, adding(None, [calls(call("add", a=1, b=2)), "3"]))
    assert found.difference is not None
    assert found.difference.then[0] == "run_failed"
    otherwise = [calls(call("add", a=1, b=2)), BackendError("too busy")]
    other = await verify(trace, adding(None, otherwise))
    assert other.difference is not None
    assert other.difference.what == "the end of the run"


async def yes(_: Any) -> Decision:
    return Decision(verdict="allow")


async def test_a_run_that_paused_and_went_on_is_checked_in_all_its_parts(runs):
    agent = adding(runs, approval=Policy(ask=("add",)))
    path = (await agent.run("Go.")).path
    while (result := load(path)).events[-1].outcome == "paused":
        waiting = [e.call.id for e in result.events if e.kind == "approval_asked"]
        decisions = {waiting[-1]: Decision(verdict="allow")}
        await agent.resume(load(path), decisions=decisions)
    trace = load(path)
    assert sum(e.kind == "run_resumed" for e in trace.events) >= 2
    found = await verify(trace, adding(None, approval=Policy(ask=("add",))))
    assert found.difference is None
    assert found.checked == found.total
    unasked = await verify(trace, adding(None))
    assert unasked.difference is not None
    assert unasked.difference.then[0].startswith("approval_asked")


async def test_what_tools_are_given_reaches_every_part_of_the_run(runs, tmp_path):
    @tool(name="add")
    def told(context: ToolContext, a: int, b: int) -> str:
        """Say what it was given."""
        return f"{context.deps} {context.workspace}"

    def twice(messages: Any, *_: Any) -> Any:
        n = sum(message.role == "assistant" for message in messages)
        return calls(call("add", id=str(n), a=n, b=n)) if n < 2 else "Done."

    agent = adding(runs, twice, tools=[told], approval=Policy(ask=("add",)))
    given: dict[str, Any] = {"deps": "what it needs", "workspace": tmp_path}
    path = (await agent.run("Go.", approver=yes, **given)).path
    assert (await verify(load(path), agent.with_(runs=None), **given)).same
    other = await verify(load(path), agent.with_(runs=None), deps="else", workspace=tmp_path)
    assert other.difference is not None
    assert other.difference.now == ("tool_finished", f"  content: else {tmp_path}")

    paused = (await agent.run("Go.", **given)).path
    for id in ("0", "1"):
        await agent.resume(load(paused), decisions={id: "allow"}, **given)
    assert load(paused).events[-1].outcome == "completed"
    found = await verify(load(paused), agent.with_(runs=None), **given)
    assert (found.difference, found.checked) == (None, found.total)


async def test_a_result_that_the_log_lacks_is_a_difference_with_nothing_beside_it(trace):
    lacking = replace(trace, records=tuple(r for r in trace.records if r.seq != 5))
    found = await verify(lacking, adding(None))
    assert found.difference is not None
    assert (found.difference.what, found.difference.seq) == ("the result of a call", None)
    assert (found.difference.then, found.difference.now[0]) == ((), "tool_finished")


async def test_what_never_came_again_is_named_as_the_log_has_it(trace):
    extra = ToolFinished(result=ToolResult(call_id="z", content="more"))
    records = (*trace.records[:6], Record(seq=77, at=0.0, event=extra), *trace.records[6:])
    found = await verify(replace(trace, records=records), adding(None))
    assert found.difference is not None
    assert (found.difference.what, found.difference.seq) == ("the end of the run", 77)
    assert found.difference.then == ("tool_finished", "  content: more")
    assert found.difference.now == ()


async def test_a_persons_word_is_taken_from_the_log(runs):
    policy = Policy(ask=("add",))
    path = (await adding(runs, approval=policy).run("Go.", approver=yes)).path
    assert (await verify(load(path), adding(None, approval=policy))).same


async def test_what_was_stopped_is_checked_up_to_there(runs):
    run = adding(runs).run("Go.")
    count = 0
    async for event in run:
        count += "delta" not in event.kind
        if event.kind == "tool_started" and count > 7:
            run.stop()
    trace = load(run.path)
    assert trace.events[-1].outcome == "cancelled"
    found = await verify(trace, adding(None))
    assert found.same
    assert found.checked == count - 2
    assert "the run was stopped from outside" in found.notes[0]


async def test_a_log_that_breaks_off_is_checked_up_to_there(trace):
    lines = trace.path.read_bytes().splitlines(keepends=True)
    trace.path.write_bytes(b"".join(lines[:5]))
    found = await verify(load(trace.path), adding(None))
    assert (found.same, found.checked) == (True, 4)
    assert "the log breaks off" in found.notes[0]


async def test_a_fork_is_checked_from_where_it_parted(trace):
    run = fork(trace, at=4, agent=adding(trace.path.parent), tool_result="100")
    child = load((await run).path)
    WORKED.clear()
    found = await verify(child, adding(None))
    assert found.same
    assert WORKED == [(100, 7)]
    other = await verify(child, adding(None, ["No."]))
    assert other.difference is not None
    assert other.difference.seq == 6


async def test_events_of_a_later_version_are_said_not_to_be_checked(trace):
    with trace.path.open("a") as file:
        file.write('{"seq": 11, "at": 1.0, "event": {"kind": "dreamed"}}\n')
    found = await verify(load(trace.path), adding(None))
    assert found.same
    assert "does not know were not checked" in found.notes[0]


async def test_verifying_writes_nothing(trace):
    await verify(trace, adding(trace.path.parent))
    assert list(trace.path.parent.iterdir()) == [trace.path]


class Warm:
    """A backend that keeps a cache, as local models do."""

    def __init__(self, *found: int) -> None:
        self.identity = BackendIdentity(name="warm", model="m", details={"threads": 1})
        self.forgotten: list[int] = []
        self._found = list(found)
        self._asked = 0

    async def stream(self, messages: Any, **_: Any):
        self._asked += 1
        text, cached = f"Reply {self._asked}.", self._found.pop(0)
        yield Reply(message=Message.assistant(text), usage=Usage(cached_tokens=cached))

    def forget(self) -> None:
        self.forgotten.append(self._asked)

    async def aclose(self) -> None: ...


async def test_a_model_that_began_cold_begins_cold_again(runs):
    trace = load((await adding(runs).with_(backend=Warm(0)).run("?")).path)
    model = Warm(0)
    assert (await verify(trace, adding(None).with_(backend=model))).notes == ()
    assert model.forgotten == [0]


async def test_a_model_that_began_warm_cannot_be_made_so_and_it_is_said(runs):
    trace = load((await adding(runs).with_(backend=Warm(40)).run("?")).path)
    model = Warm(0)
    found = await verify(trace, adding(None).with_(backend=model))
    assert model.forgotten == []
    assert found.notes == (
        "reply 1 found 40 tokens in the cache then, and 0 now: its numbers may differ in their "
        "last digits",
    )


async def test_a_model_that_is_not_the_same_is_said(runs):
    trace = load((await adding(runs).with_(backend=Warm(0)).run("?")).path)
    model = Warm(0)
    model.identity = BackendIdentity(name="warm", model="m", details={"threads": 2})
    found = await verify(trace, adding(None).with_(backend=model))
    assert found.same
    assert found.notes == ("threads: 1 / 2",)


async def test_a_whole_team_is_verified(runs: Path):
    def team(runs: Path | None, second: str) -> Agent[Any]:
        other = Agent(name="other", backend=Scripted([second]), instructions="Two.", tools=[add])
        return adding(runs, [calls(call("transfer_to_other", id="h"))], handoffs=[other])

    trace = load((await team(runs, "Two here.").run("Go.")).path)
    assert (await verify(trace, team(None, "Two here."))).same
    assert (await verify(trace, team(None, "?"), model="log", tools="log")).same
    found = await verify(trace, team(None, "Nobody here."))
    assert found.difference is not None
    assert found.difference.what == "reply 2"
