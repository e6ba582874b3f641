"""Forks: the same past, another future, and nothing of the past done twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conversation import call, calls, kinds, load, results_in
from recordings import WORKED, add, adding, recorded

from agentlab import Agent, Limits, Policy, Settings, ToolContext, tool
from agentlab.backend import Reply
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError, ConfigError, TraceError
from agentlab.events import MessageAdded, ModelReplied, RunFinished, ToolFinished
from agentlab.messages import Message
from agentlab.replay import edited, fork
from agentlab.trace import Trace


@pytest.fixture
def trace(runs) -> Any:
    return recorded(runs)


def forked(trace: Trace, **options: Any) -> Any:
    """The fork's own trace, once it has ended."""
    from agentlab.agent import sync

    options = {"agent": adding(trace.path.parent), **options}
    return load(sync(fork(trace, **options)).path)


def test_another_prompt_at_the_start_replaces_what_was_asked(trace):
    child = forked(trace, at=0, prompt="Go on.")
    assert child.events[0].messages[:-1] == trace.events[0].messages[:-1]
    assert child.events[0].messages[-1] == Message.user("Go on.")
    assert kinds(child) == kinds(trace)
    assert child.header.parent.run == trace.header.run
    assert child.header.parent.seq == 0


def test_a_prompt_later_on_is_what_the_user_says_next(trace):
    child = forked(trace, at=5, prompt="Wait.")
    assert child.events[:6] == trace.events[:6]
    assert child.events[6] == MessageAdded(message=Message.user("Wait."))
    assert isinstance(child.events[7], ModelReplied)


def test_a_complete_run_can_be_talked_on_with(trace):
    child = forked(trace, at=10, prompt="Thanks.")
    assert child.events[:11] == trace.events
    assert kinds(child)[11:13] == ["run_resumed", "message_added"]
    assert child.events[-1] == RunFinished(outcome="completed", output="You said Thanks..")


@pytest.mark.parametrize("at", [1, 2, 3, 4, 6, 7])
def test_nobody_can_speak_while_a_call_waits(trace, at):
    if at in (3, 4, 7):  # there every call has begun, so its result is in the log
        assert forked(trace, at=at, prompt="Hm.").events[: at + 1] == trace.events[: at + 1]
        return
    with pytest.raises(TraceError, match="so nobody can speak: fork at event 5, 8"):
        forked(trace, at=at, prompt="Hm.")


def test_a_trace_that_does_not_begin_with_a_conversation_is_not_forked(trace):
    headless = replace(trace, records=trace.records[1:])
    with pytest.raises(TraceError, match="does not begin with a conversation"):
        forked(headless, at=3)


def test_another_result_is_what_the_model_goes_on_from(trace):
    child = forked(trace, at=4, tool_result="100")
    assert child.events[4] == ToolFinished(
        result=trace.events[4].result.model_copy(update={"content": "100"})
    )
    assert child.events[-1].output == "The sum is 107."
    assert WORKED == [(100, 7)]


def test_a_result_can_be_given_where_the_call_begins(trace):
    child = forked(trace, at=7, tool_result="a million")
    assert child.events[:8] == trace.events[:8]
    assert child.events[-1].output == "The sum is a million."
    assert WORKED == []


@pytest.mark.parametrize("at", range(11))
def test_a_call_that_had_begun_is_not_made_again(trace, at):
    WORKED.clear()
    child = forked(trace, at=at)
    began = [e.call for e in trace.events[: at + 1] if e.kind == "tool_started"]
    assert len(WORKED) == 3 - len(began)
    assert child.events[-1].output == "The sum is 10."
    assert [r.content for r in results_in(_messages(child))] == ["3", "7", "10"]


def _messages(trace: Any) -> Any:
    from agentlab.agent.transcript import Transcript

    return Transcript.of(trace.events).messages


def test_a_call_that_nobody_saw_the_end_of_is_not_made_again_either(trace):
    lines = trace.path.read_bytes().splitlines(keepends=True)
    trace.path.write_bytes(b"".join(lines[:4]))  # up to the start of the first call
    child = forked(load(trace.path), at=2, backend=Scripted(["Hm."]))
    assert child.events[3].result.error == "cancelled"
    assert (1, 2) not in WORKED


def test_an_edited_reply_is_acted_on(trace):
    def other_numbers(event: Any) -> Any:
        reply = event.reply.model_copy(
            update={"message": calls(call("add", id="x", a=50, b=5)), "token_ids": (1, 2)}
        )
        return ModelReplied(reply=reply)

    child = forked(trace, at=6, edit=other_numbers)
    assert child.events[-1].output == "The sum is 55."
    assert child.events[6].reply.token_ids == ()
    assert WORKED == [(50, 5)]


def test_words_in_place_of_a_reply_end_the_run_with_them(trace):
    child = forked(trace, at=6, edit=lambda event: edited(event, "Enough."))
    assert kinds(child)[6:] == ["model_replied", "run_finished"]
    assert child.events[-1].output == "Enough."


@pytest.mark.parametrize(
    ("at", "change", "why"),
    [
        (11, {}, "has no event 11; its events go from 0 to 10"),
        (-1, {}, "has no event -1"),
        (2, {"edit": lambda event: event}, "a tool_started event can't be edited"),
        (1, {"edit": RunFinished(outcome="completed")}, "can only become another model_replied"),
        (1, {"tool_result": "5"}, "a model_replied event has no result to replace"),
        (
            1,
            {"edit": ModelReplied(reply=Reply(message=calls(call("add"), call("add"))))},
            "each call has its own id",
        ),
        (1, {"edit": ModelReplied(reply=Reply(message=Message.user("hi")))}, "the assistant's"),
        (10, {"edit": lambda event: edited(event, "x")}, "has no words to change"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_before_anything_runs(trace, at, change, why):
    with pytest.raises(TraceError, match=why):
        forked(trace, at=at, **change)
    assert list(trace.path.parent.glob("*.jsonl")) == [trace.path]


def test_settings_limits_and_backend_can_be_others(trace):
    child = forked(
        trace,
        at=5,
        settings=Settings(temperature=0),
        limits=Limits(steps=2),
        backend=Scripted(["Never mind."], name="another"),
    )
    assert child.header.settings.temperature == 0
    assert child.header.backend.name == "another"
    assert child.events[-1].output == "Never mind."
    spent = forked(trace, at=5, limits=Limits(steps=1))
    assert kinds(spent)[6:] == ["limit_reached", "run_finished"]


def test_a_run_that_reached_a_limit_goes_on_with_more(runs):
    trace = recorded(runs, limits=Limits(steps=2))
    assert trace.events[-1] == RunFinished(outcome="limit")
    at = len(trace.events) - 2
    child = forked(trace, at=at, limits=Limits(steps=3))
    assert child.events[-1].output == "The sum is 10."


def test_a_failed_run_is_mended_from_before_its_end(runs):
    run = adding(runs, [calls(call("add", a=1, b=2)), BackendError("down")]).run("?")
    from agentlab.agent import sync

    with pytest.raises(BackendError):
        sync(run)
    trace = load(run.path)
    assert trace.events[-1].kind == "run_failed"
    for at in (len(trace.events) - 2, len(trace.events) - 1):
        child = forked(trace, at=at, backend=Scripted(["3"]))
        assert child.events[: at + 1] == trace.events[: at + 1]
        assert child.events[-1].output == "3"


def test_a_fork_of_a_fork_names_its_own_parent(trace):
    child = forked(trace, at=5)
    grandchild = forked(child, at=8)
    assert grandchild.header.parent.run == child.header.run
    assert grandchild.events[:9] == child.events[:9]


def test_consent_given_before_the_fork_holds_and_consent_after_it_is_asked_again(runs):
    asked: list[str] = []

    async def yes(wanted: Any) -> Any:
        from agentlab import Decision

        asked.append(wanted.id)
        return Decision(verdict="allow")

    policy = Policy(ask=("add",))
    path = adding(runs, approval=policy).run_sync("Go.", approver=yes).path
    trace = load(path)
    before = next(i for i, e in enumerate(trace.events) if e.kind == "tool_started") - 1
    agent = adding(runs, approval=policy)
    asked.clear()
    forked(trace, at=before, agent=agent, approver=yes)
    assert asked == ["c"]
    asked.clear()
    forked(trace, at=1, agent=agent, approver=yes)
    assert asked == ["a", "b", "c"]


def test_a_hand_over_that_had_begun_is_not_undone(runs):
    said = [calls(call("transfer_to_other", id="h")), "I took over."]
    other = Agent(name="other", backend=Scripted(lambda *_: "I took over."), instructions="Two.")
    options: dict[str, Any] = {"handoffs": [other]}
    trace = recorded(runs, said=said, **options)
    at = kinds(trace).index("tool_started")
    child = forked(trace, at=at, agent=adding(runs, **options))
    assert kinds(child)[at + 1 : at + 3] == ["handed_off", "tool_finished"]
    assert child.events[-1].output == "I took over."
    with pytest.raises(ConfigError, match="whom 'agent' does not know"):
        forked(trace, at=at + 2, agent=adding(runs))


def test_files_made_before_the_fork_are_the_childs_too(runs):
    @tool
    def plot(context: ToolContext) -> str:
        """Draw."""
        context.attach("plot.png", b"picture", "image/png")
        return "drawn"

    trace = recorded(runs, said=[calls(call("plot")), "Look."], tools=[plot])
    child = forked(trace, at=3, agent=adding(runs, ["Look again."], tools=[plot]))
    assert child.events[3].result.artifacts[0].blob.read() == b"picture"


async def test_an_agent_that_keeps_no_traces_forks_without_one(trace):
    run = fork(trace, at=5, agent=adding(None))
    assert run.path is None
    assert (await run).path is None


def test_labels_come_along_and_can_be_added_to(runs):
    path = adding(runs).run_sync("Go.", labels={"lab": "m5/x"}).path
    child = forked(load(path), at=5, labels={"why": "to see"})
    assert child.header.labels == {"lab": "m5/x", "why": "to see"}


def test_a_past_with_events_of_a_later_version_is_refused(trace):
    with trace.path.open("a") as file:
        file.write('{"seq": 11, "at": 1.0, "event": {"kind": "dreamed"}}\n')
    with pytest.raises(TraceError, match="event 11 is of a kind this version does not know"):
        forked(load(trace.path), at=11)
    assert forked(load(trace.path), at=10).events[:11] == trace.events


def test_the_tool_that_counts_is_the_one_that_is_run():
    """The tests above would not notice a tool that never works."""
    assert add.name == "add"
