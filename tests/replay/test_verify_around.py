"""Verifying what came to a run from around it: a past, a person, a team, a cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conversation import call, calls, load
from recordings import WORKED, add, adding, recorded

from agentlab import Agent, Decision, Message, Policy, tool
from agentlab.backend import BackendIdentity, Reply
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.messages import Usage
from agentlab.replay import fork, verify


class Cached:
    """A model whose replies find so many tokens in its cache."""

    def __init__(self, *found: int, says: str = "Reply", threads: int = 1) -> None:
        self.identity = BackendIdentity(name="warm", model="m", details={"threads": threads})
        self.done: list[str] = []
        self._found = list(found)
        self._says = says

    async def stream(self, messages: Any, **_: Any):
        self.done.append("asked")
        usage = Usage(cached_tokens=self._found.pop(0))
        asked = sum(message.role == "assistant" for message in messages)
        made = calls(call("add", id=str(asked), a=asked, b=1)) if asked < 1 else self._says
        message = made if isinstance(made, Message) else Message.assistant(made)
        yield Reply(message=message, usage=usage)

    def forget(self) -> None:
        self.done.append("forgot")

    async def rewarm(self, messages: Any, *, tools: Any, tokens: int) -> None:
        self.done.append(f"warmed by {tokens}")

    async def aclose(self) -> None:
        self.done.append("closed")


PARROT = Scripted(lambda messages, *_: "|".join(message.text for message in messages))


@pytest.mark.parametrize("instructions", ["Repeat.", ""])
async def test_a_conversation_that_went_on_is_verified_with_all_that_was_said_before(
    runs: Path, instructions: str
) -> None:
    agent = Agent(backend=PARROT, runs=runs, instructions=instructions)
    first = await agent.run("One.")
    second = await agent.run("Two.", history=first.messages)
    assert second.text.count("One.") == 2
    found = await verify(load(second.path), agent.with_(runs=None))
    assert (found.difference, found.checked) == (None, found.total)


async def test_instructions_that_came_with_the_history_are_verified_too(runs: Path) -> None:
    """An agent without instructions of its own keeps those of the conversation it goes on."""
    agent = Agent(backend=PARROT, runs=runs)
    said = (Message.system("Be kind."), Message.user("One."), Message.assistant("1"))
    went_on = await agent.run("Two.", history=said)
    assert went_on.text == "Be kind.|One.|1|Two."
    assert (await verify(load(went_on.path), agent.with_(runs=None))).difference is None
    alone = await Agent(backend=PARROT, runs=runs, instructions="Be kind.").run("Two.")
    lost = await verify(load(alone.path), agent.with_(runs=None))
    assert lost.difference is not None
    assert lost.difference.what == "what the run starts from"


async def test_instructions_that_are_gone_are_missed_beside_examples_too(runs: Path) -> None:
    examples = [Message.user("a"), Message.assistant("b")]
    shown = Agent(backend=PARROT, runs=runs, instructions="Be kind.", examples=examples)
    path = (await shown.run("Two.")).path
    assert (await verify(load(path), shown.with_(runs=None))).same
    assert not (await verify(load(path), shown.with_(runs=None, instructions=""))).same


async def test_a_trace_of_nothing_is_verified_at_once(runs: Path) -> None:
    found = await verify(replace(recorded(runs), records=()), adding(None))
    assert (found.same, found.checked, found.total) == (True, 0, 0)


async def test_a_trace_without_its_beginning_differs_from_the_start(runs: Path) -> None:
    whole = recorded(runs)
    found = await verify(replace(whole, records=whole.records[1:]), adding(None))
    assert found.difference is not None
    assert (found.checked, found.difference.what) == (0, "what happened")
    assert found.difference.now[-1] == "  user: "


async def test_nothing_was_checked_where_the_agent_is_another(runs: Path) -> None:
    trace = recorded(runs)
    other = await verify(trace, adding(None, tools=[add.with_(description="Sum up.")]))
    assert other.checked == 0
    warmer = await verify(trace, adding(None, settings={"temperature": 0.5}))
    assert warmer.difference is not None
    assert (warmer.checked, warmer.difference.what) == (0, "the settings")


async def test_a_person_is_asked_again_in_a_part_that_was_resumed(runs: Path) -> None:
    def twice(messages: Any, *_: Any) -> Any:
        asked = sum(message.role == "assistant" for message in messages)
        return calls(call("add", id=str(asked), a=asked, b=1)) if asked < 2 else "Done."

    async def refuses(_: Any) -> Decision:
        return Decision(verdict="deny", reason="there is no money left")

    agent = adding(runs, twice, approval=Policy(ask=("add",)))
    path = (await agent.run("Go.")).path
    await agent.resume(load(path), decisions={"0": "allow"}, approver=refuses)
    refused = [e for e in load(path).events if e.kind == "approval_given"][-1]
    assert (refused.verdict, refused.reason) == ("deny", "there is no money left")
    found = await verify(load(path), agent.with_(runs=None))
    assert (found.difference, found.checked) == (None, found.total)


async def test_a_team_that_hands_over_and_back_is_verified(runs: Path) -> None:
    def desk(messages: Any, *_: Any) -> Any:
        asked = sum(message.role == "assistant" for message in messages)
        return calls(call("transfer_to_adder", id="h")) if asked == 0 else "It is 3."

    def adder(messages: Any, *_: Any) -> Any:
        asked = sum(message.role == "assistant" for message in messages)
        made = call("add", id="s", a=1, b=2) if asked == 1 else call("transfer_to_desk", id="b")
        return calls(made)

    def team(runs: Path | None) -> Agent[Any]:
        second = Agent(
            name="adder", backend=Scripted(adder), tools=[add], handoffs=["desk"], runs=None
        )
        return Agent(name="desk", backend=Scripted(desk), handoffs=[second], runs=runs)

    WORKED.clear()
    path = (await team(runs).run("What is 1 + 2?")).path
    assert WORKED == [(1, 2)]
    assert load(path).events[-1].output == "It is 3."
    found = await verify(load(path), team(None), tools="log")
    assert (found.difference, WORKED) == (None, [(1, 2)])
    assert (await verify(load(path), team(None))).same
    assert WORKED == [(1, 2)] * 2


async def test_each_part_of_a_run_finds_what_it_found_then(runs: Path) -> None:
    policy = Policy(ask=("add",))
    agent = adding(runs, approval=policy).with_(backend=Cached(0, 7))
    path = (await agent.run("Go.")).path
    await agent.resume(load(path), decisions={"0": "allow"})
    model = Cached(0, 7)
    found = await verify(load(path), adding(None, approval=policy).with_(backend=model))
    assert found.same
    assert model.done == ["forgot", "asked", "warmed by 7", "asked"]
    assert found.notes == ()  # what an earlier conversation had read matters where they differ
    other = Cached(0, 7, says="Else")
    differs = await verify(load(path), adding(None, approval=policy).with_(backend=other))
    assert "reply 2 found 7 tokens that an earlier conversation had read" in differs.notes[0]


async def test_a_model_that_is_not_asked_is_not_compared(runs: Path) -> None:
    agent = adding(runs).with_(backend=Cached(0, 0))
    path = (await agent.run("Go.")).path
    other = adding(None).with_(backend=Cached(threads=2))
    found = await verify(load(path), other, model="log")
    assert (found.same, found.notes) == (True, ())


async def test_a_backend_is_closed_by_whoever_opened_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentlab.replay import rebuild

    plain = Agent(backend=Cached(0, 0), tools=[], runs=runs)
    path = (await plain.run("Go.")).path
    lent = Cached(0, 0, 0, 0)
    await verify(load(path), backend=lent)
    await verify(load(path), plain.with_(backend=lent, runs=None))
    assert "closed" not in lent.done
    opened = Cached(0, 0)
    monkeypatch.setattr(rebuild, "connect", lambda *_, **__: opened)
    await verify(load(path))
    assert opened.done[-1] == "closed"


async def test_a_fork_that_was_spoken_to_is_verified_from_there(runs: Path) -> None:
    trace = recorded(runs)
    path = (await fork(trace, at=5, agent=adding(runs), prompt="Wait.")).path
    found = await verify(load(path), adding(None))
    assert (found.difference, found.checked) == (None, found.total)
    other = await verify(load(path), adding(None, ["No."]))
    assert other.difference is not None
    assert other.difference.seq == 7


async def test_a_fork_goes_on_with_the_agent_of_its_trace(runs: Path) -> None:
    first = await Agent(backend=Scripted(["One."]), name="teller", runs=runs).run("Go.")
    child = await fork(load(first.path), at=0, backend=Scripted(["Two."]))
    assert (child.text, load(child.path).header.agent) == ("Two.", "teller")
    with pytest.raises(ConfigError):
        fork(load(first.path), at=0)  # a script can't be opened by its name


async def test_a_fork_hands_on_what_its_tools_need(runs: Path, tmp_path: Path) -> None:
    from agentlab import ToolContext

    @tool(name="add")
    def told(context: ToolContext, a: int, b: int) -> str:
        """Say what it was given."""
        return f"{context.deps} {context.workspace}"

    trace = recorded(runs)
    agent = adding(runs, [calls(call("add", a=1, b=2)), "Done."], tools=[told])
    child = await fork(trace, at=0, agent=agent, deps="what it needs", workspace=tmp_path)
    results = [e.result.content for e in load(child.path).events if e.kind == "tool_finished"]
    assert results[0] == f"what it needs {tmp_path}"


async def test_the_first_token_and_a_token_in_the_middle_are_found(runs: Path) -> None:
    def said(*ids: int) -> list[Reply]:
        return [Reply(message=Message.assistant("Hi."), token_ids=ids)]

    trace = recorded(runs, said=said(5, 6, 7, 8))
    for place, ids in ((0, (4, 6, 7, 8)), (1, (5, 9, 7, 8)), (3, (5, 6, 7, 9))):
        found = await verify(trace, adding(None, said(*ids)))
        assert found.difference is not None
        assert found.difference.token == place
    assert (await verify(trace, adding(None, said()))).same  # a model that names no tokens
