"""The loop asks, makes the calls and ends, however a backend or a tool fails."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from conversation import call, calls, check_conversation, kinds, results_in, whole

from agentlab import Agent, Limits, ToolContext, tool
from agentlab.backend import BackendIdentity, Reply, Settings, TextDelta
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError, ConfigError, RateLimited, RunError, ToolError
from agentlab.events import ModelReplied, RunFailed, RunFinished, ToolFinished, ToolOutput
from agentlab.messages import Message, Text, ToolCall, Usage


@tool
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@tool
async def add_async(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def agent(replies, runs, **more) -> Any:
    options: Any = {"tools": [add, add_async], **more}
    return Agent(backend=Scripted(replies), runs=runs, **options)


async def test_a_conversation_with_tools_from_input_to_output(runs):
    replies = [
        Message.assistant(
            "Let me see.", call("add", a=1, b=2), call("add_async", id="2", a=3, b=4)
        ),
        calls(call("add", id="3", a=3, b=7)),
        "It is 10.",
    ]
    sums = agent(replies, runs, instructions="Add.", name="adder")
    run = sums.run("1+2+3+4?")
    seen = [event async for event in run]
    result = run.result()
    assert result.output == result.text == "It is 10."
    assert result.outcome == "completed"
    assert [r.content for r in results_in(result.messages)] == ["3.0", "7.0", "10.0"]
    assert [m.role for m in result.messages] == [
        "system", "user", "assistant", "tool", "assistant", "tool", "assistant",
    ]  # fmt: skip
    trace = whole(run.path)
    assert list(trace.events) == [e for e in seen if hasattr(e, "kind") and "delta" not in e.kind]
    assert kinds(trace) == [
        "run_started", "model_replied", "tool_started", "tool_started", "tool_finished",
        "tool_finished", "model_replied", "tool_started", "tool_finished", "model_replied",
        "run_finished",
    ]  # fmt: skip
    assert trace.header.agent == "adder"
    assert [spec.name for spec in trace.header.tools] == ["add", "add_async"]


async def test_every_event_is_in_the_trace_before_it_is_shown(runs):
    run = agent([calls(call("add", a=1, b=2)), "3"], runs).run("?")
    shown = []
    async for event in run:
        if "delta" not in event.kind:
            shown.append(event)
            lines = run.path.read_text().splitlines()
            assert len(lines) == 1 + len(shown)
            assert f'"kind":"{event.kind}"' in lines[-1]


async def test_a_run_without_a_trace_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = await agent(["hi"], None).run("?")
    assert (result.output, result.path) == ("hi", None)
    assert list(tmp_path.iterdir()) == []


async def test_the_backend_is_given_tools_settings_and_one_growing_conversation(runs):
    sums = agent([calls(call("add", a=1, b=2)), "3"], runs, settings=Settings(seed=7))
    await sums.run("?")
    first, second = sums.backend.requests
    assert first.conversation is second.conversation
    assert [spec.name for spec in first.tools] == ["add", "add_async"]
    assert first.settings.seed == 7
    assert second.messages[-1].role == "tool"


async def test_a_demanded_call_is_demanded_once(runs):
    sums = agent(
        [calls(call("add", a=1, b=2)), "3"], runs, settings=Settings(tool_choice="required", seed=1)
    )
    assert (await sums.run("?")).output == "3"
    first, second = (request.settings for request in sums.backend.requests)
    assert (first.tool_choice, second.tool_choice) == ("required", "auto")
    assert second.seed == 1


# Instructions, examples and history

EXAMPLES = (Message.user("2+2?"), Message.assistant("4"))


async def test_examples_and_instructions_stand_once_before_a_history_that_goes_on(runs):
    plain = agent(["a", "b"], runs, examples=EXAMPLES)
    first = await plain.run("1?")
    second = await plain.run("2?", history=first.messages)
    assert [m.text for m in second.messages] == ["2+2?", "4", "1?", "a", "2?", "b"]

    told = agent(["a", "b"], runs, examples=EXAMPLES, instructions="Be brief.")
    first = await told.run("1?")
    second = await told.run("2?", history=first.messages)
    assert [m.text for m in second.messages] == ["Be brief.", "2+2?", "4", "1?", "a", "2?", "b"]


async def test_another_agents_history_does_not_bring_its_instructions(runs):
    first = await agent(["a"], runs, instructions="Be rude.").run("1?")
    polite = agent(["b"], runs, instructions="Be kind.")
    second = await polite.run("2?", history=first.messages)
    assert [m.text for m in second.messages] == ["Be kind.", "1?", "a", "2?", "b"]
    silent = await agent(["b"], runs, examples=EXAMPLES).run("2?", history=first.messages)
    assert [m.text for m in silent.messages] == ["Be rude.", "2+2?", "4", "1?", "a", "2?", "b"]


# Parallel calls


@pytest.mark.parametrize("style", ["plain", "async"])
async def test_calls_of_one_reply_overlap_and_results_keep_their_order(runs, style):
    meet, meet_async = threading.Barrier(3, timeout=60), asyncio.Barrier(3)
    ended: list[int] = []

    def plain(n: int) -> int:
        meet.wait()  # passes only if all three are here at once
        threading.Event().wait(0.02 * (3 - n))
        ended.append(n)
        return n

    async def later(n: int) -> int:
        await meet_async.wait()
        await asyncio.sleep(0.02 * (3 - n))
        ended.append(n)
        return n

    f = tool(name="f")(plain if style == "plain" else later)
    made = calls(*(call("f", id=str(n), n=n) for n in range(3)))
    result = await agent([made, "ok"], runs, tools=[f]).run("?")
    assert ended == [2, 1, 0]
    assert [r.content for r in results_in(result.messages)] == ["0", "1", "2"]
    whole(result.path)


async def test_calls_that_share_an_id_each_get_their_own_result(runs):
    twins = calls(
        call("add", id="x", a=1, b=1), call("add", id="x", a=2, b=2),
        call("add", id="x_2", a=3, b=3), call("add", id="x", a=4, b=4),
    )  # fmt: skip
    result = await agent([twins, "ok"], runs).run("?")
    assert [r.content for r in results_in(result.messages)] == ["2.0", "4.0", "6.0", "8.0"]
    check_conversation(result.messages)
    whole(result.path)


async def test_the_same_id_may_come_again_in_a_later_reply(runs):
    replies = [calls(call("add", a=1, b=1)), calls(call("add", a=2, b=2)), "ok"]
    result = await agent(replies, runs).run("?")
    assert [r.content for r in results_in(result.messages)] == ["2.0", "4.0"]


async def test_many_calls_in_one_reply(runs):
    made = calls(*(call("add", id=f"c{n}", a=n, b=0) for n in range(200)))
    result = await agent([made, "ok"], runs).run("?")
    assert [r.content for r in results_in(result.messages)] == [f"{n}.0" for n in range(200)]


# What a model gets wrong


@pytest.mark.parametrize(
    ("made", "error", "says"),
    [
        (call("sub", a=1), "unknown_tool", "there is no tool 'sub'; the tools are: add, add_async"),
        (ToolCall(id="1", name="", arguments=""), "unknown_tool", "there is no tool ''"),
        (ToolCall(id="1", name="add", arguments='{"a": 1, "b"'), "bad_arguments", "Invalid JSON"),
        (call("add", a="one", b=2), "bad_arguments", "a: Input should be a valid number"),
        (call("add", a=1, b=2, c=3), "bad_arguments", "c: Extra inputs are not permitted"),
    ],
)
async def test_a_bad_call_is_told_to_the_model_and_the_run_goes_on(runs, made, error, says):
    result = await agent([calls(made), "sorry"], runs).run("?")
    (answer,) = results_in(result.messages)
    assert answer.error == error
    assert says in answer.content
    assert result.output == "sorry"
    whole(result.path)


async def test_text_of_a_model_that_no_file_can_hold_is_mended(runs):
    strange = Message(role="assistant", parts=(Text(text="a\ud800\x00\x1b[2J"),))
    result = await agent([strange], runs).run("\udcffhi")
    assert result.output == "a\ufffd\x00\x1b[2J"
    assert whole(result.path).events[0].messages[0].text == "\ufffdhi"


# What a tool gets wrong


@pytest.mark.parametrize("error", [ToolError("x"), ValueError("x"), SystemExit(1)])
@pytest.mark.parametrize("style", ["plain", "async"])
async def test_a_tool_that_fails_does_not_end_the_run(runs, error, style):
    def plain() -> str:
        raise error

    async def later() -> str:
        raise error

    f = tool(name="f")(plain if style == "plain" else later)
    made = calls(call("f"), call("add", id="2", a=1, b=2))
    result = await agent([made, "ok"], runs, tools=[f, add]).run("?")
    assert [r.error for r in results_in(result.messages)] == ["tool_error", None]
    assert result.output == "ok"
    whole(result.path)


async def test_a_tool_that_will_not_be_cancelled_is_left_behind(runs, monkeypatch):
    monkeypatch.setattr("agentlab.tooling.insisting.GRACE", 0.02)
    release = asyncio.Event()

    @tool(timeout=0.02)
    async def stubborn() -> str:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    made = calls(call("stubborn"), call("add", id="2", a=1, b=2))
    replies = [made, calls(call("add", a=3, b=4)), "ok"]
    result = await agent(replies, runs, tools=[stubborn, add]).run("?")
    release.set()
    assert [r.error for r in results_in(result.messages)] == ["timeout", None, None]
    assert results_in(result.messages)[0].content == "stubborn did not answer within 0.02 seconds"
    whole(result.path)


async def test_a_tool_that_will_not_be_cancelled_does_not_hold_up_stopping(runs, monkeypatch):
    monkeypatch.setattr("agentlab.tooling.insisting.GRACE", 0.02)
    release, at_work = asyncio.Event(), asyncio.Event()

    @tool(timeout=None)
    async def stubborn() -> str:
        at_work.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    run = agent([calls(call("stubborn"))], runs, tools=[stubborn]).run("?")
    reading = asyncio.create_task(_awaited(run))
    await at_work.wait()
    run.stop()
    assert (await reading).outcome == "cancelled"
    release.set()
    whole(run.path)


async def _awaited(run):
    return await run


async def test_what_a_tool_prints_is_shown_while_it_works_and_not_stored(runs, capsys):
    @tool
    def talk(context: ToolContext) -> str:
        print("printed \ud800")
        context.emit("said")
        return "done"

    run = agent([calls(call("talk"), call("talk", id="2")), "ok"], runs, tools=[talk]).run("?")
    heard = {"1": "", "2": ""}
    async for event in run:
        if isinstance(event, ToolOutput):
            heard[event.call_id] += event.text
    assert heard == {"1": "printed \ufffd\nsaid", "2": "printed \ufffd\nsaid"}
    assert "tool_output" not in kinds(whole(run.path))
    assert capsys.readouterr().out == ""


async def test_a_tool_that_prints_without_end_does_not_drown_its_reader(runs, monkeypatch):
    monkeypatch.setattr("agentlab.agent.calls.SHOWN_PER_CALL", 1000)

    @tool
    def flood() -> str:
        for _ in range(1000):
            print("x" * 99)
        return "done"

    run = agent([calls(call("flood")), "ok"], runs, tools=[flood]).run("?")
    shown = [event.text async for event in run if isinstance(event, ToolOutput)]
    assert sum(map(len, shown)) == 1000


# What a backend gets wrong


class Odd:
    """A backend that does as its function does."""

    identity = BackendIdentity(name="odd", model="odd")

    def __init__(self, stream) -> None:
        self.stream = stream
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


async def test_a_backend_that_fails_ends_the_run_with_its_error(runs):
    run = agent([calls(call("add", a=1, b=2)), RateLimited("slow down")], runs).run("?")
    with pytest.raises(RateLimited, match="slow down"):
        await run
    trace = whole(run.path)
    assert trace.events[-1] == RunFailed(error="RateLimited", message="slow down")
    assert len(results_in(run.state.transcript.messages)) == 1


async def test_a_failure_is_the_last_event_for_those_who_iterate(runs):
    run = agent([BackendError("down")], runs).run("?")
    *_, last = [event async for event in run]
    assert last == RunFailed(error="BackendError", message="down")
    with pytest.raises(BackendError, match="down"):
        run.result()


async def test_an_answer_without_a_reply_is_an_error(runs):
    async def stream(messages, **_):
        yield TextDelta(text="hal")

    run = Agent(backend=Odd(stream), runs=runs).run("?")
    with pytest.raises(BackendError, match="odd ended its answer without a reply"):
        await run
    whole(run.path)


async def test_what_comes_after_the_reply_is_not_asked_for(runs):
    closed = []

    async def stream(messages, **_):
        try:
            yield Reply(message=Message.assistant("first"))
            yield Reply(message=Message.assistant("second"))
        finally:
            closed.append(True)

    result = await Agent(backend=Odd(stream), runs=runs).run("?")
    assert result.output == "first"
    assert closed == [True]


async def test_a_bug_in_a_backend_is_recorded_and_raised(runs):
    async def stream(messages, **_):
        yield TextDelta(text="x")
        raise KeyError("oops")

    run = Agent(backend=Odd(stream), runs=runs).run("?")
    with pytest.raises(KeyError):
        await run
    assert whole(run.path).events[-1] == RunFailed(error="KeyError", message="'oops'")


async def test_a_bug_between_calls_leaves_every_call_answered(runs):
    def approval(tool_call):
        if tool_call.id == "2":
            raise LookupError("no such policy")
        return "allow"

    made = calls(call("add", a=1, b=2), call("add", id="2", a=1, b=2))
    run = agent([made], runs, approval=approval).run("?")
    with pytest.raises(LookupError):
        await run
    whole(run.path)


async def test_an_error_whose_message_no_file_can_hold_is_recorded(runs):
    run = agent([BackendError("no file '\udcff'")], runs).run("?")
    with pytest.raises(BackendError):
        await run
    assert whole(run.path).events[-1].message == "no file '\ufffd'"


async def test_a_script_that_runs_out_says_so(runs):
    run = agent([calls(call("add", a=1, b=2))], runs).run("?")
    with pytest.raises(BackendError, match="the script holds 1 replies"):
        await run


# A run as a value


async def test_a_run_runs_once(runs):
    run = agent(["a", "b"], runs).run("?")
    await run
    with pytest.raises(RunError, match="was already run"):
        await run


async def test_a_run_that_has_not_ended_has_no_result(runs):
    run = agent(["a"], runs).run("?")
    with pytest.raises(RunError, match="has not ended"):
        run.result()
    await run


async def test_usage_is_summed_over_replies(runs):
    usage = Usage(input_tokens=10, cached_tokens=5, output_tokens=2, cost=0.25)
    made = calls(call("add", a=1, b=2))
    replies = [Reply(message=made, usage=usage), Reply(message=Message.assistant("3"), usage=usage)]
    assert (await agent(replies, runs).run("?")).usage == usage + usage


def test_run_sync_serves_plain_code(runs):
    assert agent(["hi"], runs).run_sync("?").output == "hi"


async def test_run_sync_works_where_a_loop_is_running(runs):
    assert agent(["hi"], runs).run_sync("?").output == "hi"
    with pytest.raises(BackendError, match="holds 0 replies"):
        agent([], runs).run_sync("?")


async def test_a_cut_answer_is_the_output_and_says_that_it_was_cut(runs):
    cut = Reply(message=Message.assistant("It is"), stop="length")
    result = await agent([cut], runs).run("?")
    assert (result.output, result.stop) == ("It is", "length")


def test_tools_of_one_name_and_names_that_cannot_be_are_refused(runs):
    with pytest.raises(ConfigError, match="two tools are named 'add'"):
        agent([], runs, tools=[add, add])
    with pytest.raises(ConfigError, match="two tools are named 'transfer_to_the_other'"):
        agent([], runs, handoffs=["the other", "the_other"])
    with pytest.raises(ConfigError, match="can't name a tool"):
        agent([], runs, name="o" * 64).as_tool()


async def test_a_thousand_steps(runs):
    made = calls(call("add", a=1, b=2))
    result = await agent([made] * 1000 + ["ok"], runs, limits=Limits(steps=None)).run("?")
    assert len(result.messages) == 2002
    trace = whole(result.path)
    assert sum(isinstance(e, ModelReplied) for e in trace.events) == 1001
    assert sum(isinstance(e, ToolFinished) for e in trace.events) == 1000
    assert isinstance(trace.events[-1], RunFinished)


async def test_a_tool_is_given_what_its_run_has(runs, tmp_path):
    contexts: list[ToolContext] = []

    @tool
    def look(context: ToolContext) -> str:
        """Look at what there is."""
        contexts.append(context)
        return "seen"

    agent = Agent(
        backend=Scripted([calls(call("look", id="l1")), "ok"]),
        tools=[look],
        runs=runs,
        secrets=("hush-hush",),
    )
    result = await agent.run("?", deps={"a": 1}, workspace=tmp_path)
    (context,) = contexts
    assert (context.call_id, context.deps, context.workspace) == ("l1", {"a": 1}, tmp_path)
    assert "hush-hush" in context.secrets
    assert context.run is not None
    assert context.run.id == result.run
