"""Hand-off: another agent takes the conversation over, with its own instructions and tools."""

from __future__ import annotations

from typing import Any

import pytest
from conversation import call, calls, kinds, load, results_in, whole

from agentlab import Agent, Policy, tool
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.events import HandedOff, ToolStarted


def agent(name, replies, runs, **options) -> Any:
    return Agent(
        backend=Scripted(replies), name=name, instructions=f"You are {name}.", runs=runs, **options
    )


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TO_SUMS = calls(call("transfer_to_sums"))


async def test_the_successor_goes_on_with_its_instructions_tools_and_the_whole_conversation(runs):
    sums = agent("sums", [calls(call("add", id="2", a=1, b=2)), "3"], runs, tools=[add])
    desk = agent("desk", [TO_SUMS], runs, handoffs=[sums.with_(description="It adds.")])
    result = await desk.run("1+2?")
    assert result.output == "3"
    assert [m.text for m in result.messages if m.text] == ["You are sums.", "1+2?", "3"]
    assert [r.content for r in results_in(result.messages)] == ["sums takes over", "3"]
    assert desk.specs[0].description == "Hand over to sums. It adds."
    assert HandedOff(agent="sums", instructions="You are sums.") in whole(result.path).events


async def test_the_successors_backend_answers(runs):
    sums = agent("sums", ["3"], runs, tools=[add])
    await agent("desk", [TO_SUMS], runs, handoffs=[sums]).run("?")
    (request,) = sums.backend.requests
    assert [spec.name for spec in request.tools] == ["add"]
    assert request.messages[0].text == "You are sums."


async def test_a_successor_without_instructions_has_no_system_message(runs):
    sums = agent("sums", ["3"], runs).with_(instructions="")
    result = await agent("desk", [TO_SUMS], runs, handoffs=[sums]).run("?")
    assert [m.role for m in result.messages] == ["user", "assistant", "tool", "assistant"]


async def test_an_unknown_successor_is_an_unknown_tool(runs):
    desk = agent("desk", [calls(call("transfer_to_nobody")), "ok"], runs)
    result = await desk.run("?")
    assert results_in(result.messages)[0].error == "unknown_tool"
    whole(result.path)


async def test_of_two_successors_in_one_reply_the_first_takes_over(runs):
    sums, words = agent("sums", ["3"], runs), agent("words", [], runs)
    both = calls(call("transfer_to_sums", id="a"), call("transfer_to_words", id="b"))
    result = await agent("desk", [both], runs, handoffs=[sums, words]).run("?")
    assert result.output == "3"
    first, second = results_in(result.messages)
    assert (first.error, second.error) == (None, "tool_error")
    assert second.content == "sums has already taken over"
    whole(result.path)


async def test_calls_beside_a_handoff_are_those_of_the_agent_that_made_them(runs):
    sums = agent("sums", ["ok"], runs)
    mixed = calls(
        call("add", id="a", a=1, b=2),
        call("transfer_to_sums", id="b"),
        call("add", id="c", a=3, b=4),
    )
    desk = agent("desk", [mixed], runs, tools=[add], handoffs=[sums])
    result = await desk.run("?")
    assert [r.content for r in results_in(result.messages)] == ["3", "sums takes over", "7"]
    whole(result.path)


async def test_two_agents_hand_the_conversation_back_and_forth(runs):
    sums = agent("sums", [calls(call("transfer_to_desk")), "done"], runs, handoffs=["desk"])
    desk = agent("desk", [TO_SUMS, TO_SUMS], runs, handoffs=[sums])
    result = await desk.run("?")
    assert result.output == "done"
    events = whole(result.path).events
    assert [e.agent for e in events if isinstance(e, HandedOff)] == ["sums", "desk", "sums"]
    assert result.messages[0].text == "You are sums."


async def test_the_answer_is_of_the_type_of_the_agent_that_was_asked(runs):
    sums = agent("sums", ["three", "3"], runs)
    desk = Agent(
        backend=Scripted([TO_SUMS]), name="desk", output_type=int, handoffs=[sums], runs=runs
    )
    result = await desk.run("?")
    assert result.output == 3
    assert sums.backend.requests[0].output == {"type": "integer"}


async def test_a_handoff_can_be_denied(runs):
    sums = agent("sums", [], runs)
    desk = agent(
        "desk", [TO_SUMS, "fine"], runs, handoffs=[sums], approval=Policy(deny=("transfer_*",))
    )
    result = await desk.run("?")
    assert result.output == "fine"
    assert results_in(result.messages)[0].error == "denied"


def team(runs, desk_replies, sums_replies):
    sums = agent("sums", sums_replies, runs, tools=[add])
    return agent("desk", desk_replies, runs, handoffs=[sums])


async def test_a_crash_anywhere_in_a_handoff_leaves_somebody_in_charge(runs):
    path = (await team(runs, [TO_SUMS], ["3"]).run("?")).path
    lines = path.read_bytes().splitlines(keepends=True)
    start = next(i for i, e in enumerate(load(path).events) if isinstance(e, ToolStarted))
    spoken_by = []
    for cut in range(start + 1, len(lines)):
        path.write_bytes(b"".join(lines[:cut]))
        desk = team(runs, ["desk: ok"], ["sums: ok"])
        result = await desk.resume(load(path))
        trace = whole(path)
        over = "handed_off" in kinds(trace)
        answered = "model_replied" in kinds(trace)[kinds(trace).index("run_resumed") :]
        assert result.output == ("sums: ok" if over else "desk: ok") or not answered
        assert (result.messages[0].text == "You are sums.") == over
        if over:
            assert results_in(result.messages)[0].content == "sums takes over"
        spoken_by.append(over)
    # not begun: made again; begun: nobody knows, so the model is told; done: done
    assert spoken_by[:3] == [True, False, True]
    assert all(spoken_by[2:])


async def test_a_call_that_the_successor_was_at_work_on_is_told_as_interrupted(runs):
    path = (await team(runs, [TO_SUMS], [calls(call("add", a=1, b=2)), "3"]).run("?")).path
    lines = path.read_bytes().splitlines(keepends=True)
    begun = max(i for i, line in enumerate(lines) if b'"tool_started"' in line)
    path.write_bytes(b"".join(lines[: begun + 1]))
    result = await team(runs, [], ["ok"]).resume(load(path))
    handed, lost = results_in(result.messages)
    assert (handed.content, handed.error) == ("sums takes over", None)
    assert lost.error == "cancelled"
    assert lost.content == (
        "interrupted while it was at work; what it had done by then is not known"
    )


async def test_resuming_without_the_successor_says_who_is_missing(runs):
    run = team(runs, [TO_SUMS], []).run("?")
    _ = [event async for event in run]
    alone = agent("desk", [], runs)
    with pytest.raises(ConfigError, match=r"handed to 'sums'.*its team: desk"):
        alone.resume(load(run.path))


def test_agents_that_could_be_mistaken_for_one_another_are_refused(runs):
    double = agent("desk", [], runs)
    with pytest.raises(ConfigError, match="two agents of a team are named 'desk'"):
        agent("desk", [], runs, handoffs=[double]).run("?")
    with pytest.raises(ConfigError, match="nobody in the team of desk is named 'ghost'"):
        agent("desk", [], runs, handoffs=["ghost"]).run("?")


async def test_an_agent_may_have_a_name_that_no_tool_has(runs):
    to_shop = calls(call("transfer_to_The_caf_"))
    shop = agent("The café", ["We close at six."], runs)
    desk = agent("desk", [to_shop], runs, handoffs=[shop])
    result = await desk.run("?")
    assert result.text == "We close at six."
    assert shop.as_tool().name == "ask_The_caf_"
    handed = [event for event in whole(result.path).events if event.kind == "handed_off"]
    assert [event.agent for event in handed] == ["The café"]
