"""Consent: allowed, denied, asked about, or waited for; and never given by mistake."""

from __future__ import annotations

import asyncio

import pytest
from conversation import call, calls, kinds, load, results_in, whole

from agentlab import Agent, Decision, Policy, tool
from agentlab.agent.transcript import Transcript
from agentlab.approval import allow_all
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, TraceError
from agentlab.events import ApprovalAsked, ApprovalGiven


class Desk:
    """Tools that note what was done, and an agent that wants to do it."""

    def __init__(self, runs, *replies, **options) -> None:
        self.done: list[str] = []

        @tool
        def delete(name: str) -> str:
            """Delete a file."""
            self.done.append(name)
            return f"deleted {name}"

        @tool
        def read(name: str) -> str:
            """Read a file."""
            self.done.append(f"read {name}")
            return "text"

        self.agent = Agent(
            backend=Scripted(replies or [BOTH, "ok"]), tools=[delete, read], runs=runs, **options
        )


BOTH = calls(call("delete", id="d", name="a"), call("read", id="r", name="b"))
ASK = Policy(ask=("delete*",))


async def yes(_call) -> Decision:
    return Decision(verdict="allow")


async def no(_call) -> Decision:
    return Decision(verdict="deny", reason="that one is mine")


async def test_without_a_policy_everything_is_allowed(runs):
    desk = Desk(runs)
    await desk.agent.run("?")
    assert sorted(desk.done) == ["a", "read b"]


async def test_a_denied_call_is_not_made_and_the_model_is_told(runs):
    desk = Desk(runs, approval=Policy(deny=("delete",)))
    result = await desk.agent.run("?")
    assert desk.done == ["read b"]
    assert [r.error for r in results_in(result.messages)] == ["denied", None]
    assert results_in(result.messages)[0].content == "this call was not allowed"
    assert "approval_asked" not in kinds(whole(result.path))


@pytest.mark.parametrize(
    ("approver", "done", "error"), [(yes, ["a", "read b"], None), (no, ["read b"], "denied")]
)
async def test_a_person_is_asked_and_their_word_holds(runs, approver, done, error):
    desk = Desk(runs, approval=ASK)
    result = await desk.agent.run("?", approver=approver)
    assert sorted(desk.done) == done
    assert results_in(result.messages)[0].error == error
    trace = whole(result.path)
    assert sum(isinstance(e, ApprovalAsked) for e in trace.events) == 1
    assert sum(isinstance(e, ApprovalGiven) for e in trace.events) == 1


async def test_the_reason_for_a_denial_is_told_to_the_model(runs):
    result = await Desk(runs, approval=ASK).agent.run("?", approver=no)
    assert results_in(result.messages)[0].content == "that one is mine"


async def test_consent_comes_before_any_call_of_the_reply(runs):
    desk = Desk(runs, approval=Policy(ask=("read",)))

    async def check(_call) -> Decision:
        assert desk.done == []
        return Decision(verdict="allow")

    await desk.agent.run("?", approver=check)
    assert sorted(desk.done) == ["a", "read b"]


async def test_a_function_is_asked_once_a_call_and_sees_its_arguments(runs):
    seen = []

    def approval(made):
        seen.append(made.id)
        return "deny" if '"a"' in made.arguments else "allow"

    desk = Desk(runs, approval=approval)
    await desk.agent.run("?")
    assert (seen, desk.done) == (["d", "r"], ["read b"])


@pytest.mark.parametrize("nonsense", [None, True, "yes", "Allow", ""])
async def test_a_verdict_that_is_none_allows_nothing(runs, nonsense):
    desk = Desk(runs, approval=lambda _: nonsense)
    run = desk.agent.run("?")
    with pytest.raises(ConfigError, match="must be allow, ask or deny"):
        await run
    assert desk.done == []
    whole(run.path)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("rm", "deny"), ("rm_all", "deny"), ("send", "ask"), ("read", "allow"), ("RM", "allow")],
)
def test_the_strictest_rule_of_a_policy_holds(name, verdict):
    policy = Policy(ask=("send", "rm*"), deny=("rm", "rm_*"))
    assert policy(call(name)) == verdict
    assert allow_all(call(name)) == "allow"
    assert Policy(otherwise="deny")(call("read")) == "deny"


# Pausing


async def test_with_nobody_to_ask_the_run_pauses_after_what_was_allowed(runs):
    desk = Desk(runs, approval=ASK)
    result = await desk.agent.run("?")
    assert (result.outcome, desk.done) == ("paused", ["read b"])
    waiting = Transcript.of(whole(result.path).events).waiting
    assert [waits.id for waits in waiting] == ["d"]


@pytest.mark.parametrize(
    ("decision", "done", "error"),
    [
        (Decision(verdict="allow"), ["read b", "a"], None),
        (Decision(verdict="deny", reason="no"), ["read b"], "denied"),
    ],
)
async def test_a_paused_run_goes_on_with_the_decision_in_the_same_trace(
    runs, decision, done, error
):
    desk = Desk(runs, approval=ASK)
    paused = await desk.agent.run("?")
    resumed = await desk.agent.resume(load(paused.path), decisions={"d": decision})
    assert (resumed.run, resumed.path, resumed.output) == (paused.run, paused.path, "ok")
    assert desk.done == done
    assert [r.error for r in results_in(resumed.messages)] == [error, None]
    trace = whole(resumed.path)
    assert kinds(trace).count("run_resumed") == 1
    assert kinds(trace).count("run_started") == 1


async def test_a_paused_run_can_be_resumed_with_somebody_to_ask(runs):
    desk = Desk(runs, approval=ASK)
    paused = await desk.agent.run("?")
    resumed = await desk.agent.resume(load(paused.path), approver=yes)
    assert (resumed.output, desk.done) == ("ok", ["read b", "a"])


async def test_a_run_resumed_without_an_answer_pauses_again(runs):
    desk = Desk(runs, approval=ASK)
    paused = await desk.agent.run("?")
    again = await desk.agent.resume(load(paused.path))
    assert (again.outcome, desk.done) == ("paused", ["read b"])
    done = await desk.agent.resume(load(again.path), decisions={"d": Decision(verdict="allow")})
    assert (done.output, desk.done) == ("ok", ["read b", "a"])
    whole(done.path)


async def test_a_decision_on_a_call_that_does_not_wait_is_a_mistake(runs):
    desk = Desk(runs, approval=ASK)
    paused = await desk.agent.run("?")
    with pytest.raises(TraceError, match=r"no call 'x' waits in run .*; these do: d"):
        desk.agent.resume(load(paused.path), decisions={"x": Decision(verdict="allow")})


async def test_a_childs_question_reaches_the_parents_approver(runs):
    desk = Desk(runs, approval=ASK, name="child")
    parent = Agent(
        backend=Scripted([calls(call("ask_child", request="?")), "done"]),
        tools=[desk.agent.as_tool()],
        runs=runs,
    )
    assert (await parent.run("?", approver=yes)).output == "done"
    assert sorted(desk.done) == ["a", "read b"]


async def test_a_child_with_nobody_to_ask_tells_its_parent(runs):
    desk = Desk(runs, approval=ASK, name="child")
    parent = Agent(
        backend=Scripted([calls(call("ask_child", request="?")), "done"]),
        tools=[desk.agent.as_tool()],
        runs=runs,
    )
    result = await parent.run("?")
    assert "was paused" in results_in(result.messages)[0].content
    assert desk.done == ["read b"]


async def test_stopping_while_a_person_thinks_ends_the_run(runs):
    desk = Desk(runs, approval=ASK)
    asked = asyncio.Event()

    async def thinking(_call) -> Decision:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    run = desk.agent.run("?", approver=thinking)
    waiting = asyncio.ensure_future(_result(run))
    await asked.wait()
    run.stop()
    assert (await waiting).outcome == "cancelled"
    assert desk.done == []
    whole(run.path)


async def _result(run):
    return await run
