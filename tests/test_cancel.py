"""However a run is left, its trace is whole: every call answered, one end, nothing made lost."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, cast

import pytest
from conversation import call, calls, kinds, results_in, whole

from agentlab import Agent, tool
from agentlab.backend import BackendIdentity, TextDelta
from agentlab.backends.scripted import Scripted
from agentlab.errors import RunError
from agentlab.events import RunFinished


@tool
async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return "never"


@tool
async def quick() -> str:
    """Answers at once."""
    return "quick"


@tool
def plain() -> str:
    """Answers at once, from a thread."""
    return "plain"


TOOLS = [hang, quick, plain]
MADE = calls(call("quick", id="a"), call("hang", id="b"), call("plain", id="c"))


def agent(runs, *replies, **options) -> Any:
    return Agent(backend=Scripted(replies or [MADE, "ok"]), runs=runs, tools=TOOLS, **options)


def cancelled(path) -> None:
    assert whole(path).events[-1] == RunFinished(outcome="cancelled")


async def settled(path) -> None:
    """Wait until a run that was dropped has been closed by the event loop."""
    for _ in range(100):
        await asyncio.sleep(0)
        gc.collect(0)
    whole(path)


WHEN = ["run_started", "text_delta", "tool_call_delta", "model_replied", "tool_started",
        "tool_finished"]  # fmt: skip


@pytest.mark.parametrize("when", WHEN)
async def test_stop_ends_the_run_as_cancelled_at_once(runs, when):
    said = "one two three" if when == "text_delta" else calls(*MADE.tool_calls).model_copy()
    run = agent(runs, said).run("?")
    after = None
    async for event in run:
        if after is None and event.kind == when:
            run.stop()
            run.stop()
            after = []
        elif after is not None:
            after.append(event)
    assert after is not None
    result = run.result()
    assert result.outcome == "cancelled"
    assert after[-1] == RunFinished(outcome="cancelled")
    cancelled(run.path)
    with pytest.raises(RunError, match="was cancelled"):
        _ = result.output


async def test_stop_reaches_a_backend_that_never_gives_the_loop_a_turn(runs):
    class Endless:
        identity = BackendIdentity(name="endless", model="endless")

        async def stream(self, messages, **_):
            while True:
                yield TextDelta(text="and ")

    run = Agent(backend=cast(Any, Endless()), runs=runs).run("?")
    shown = 0
    async for event in run:
        shown += event.kind == "text_delta"
        if shown == 3:
            run.stop()
    assert shown == 3
    cancelled(run.path)


@pytest.mark.parametrize("when", [*WHEN, "run_finished"])
async def test_a_reader_who_leaves_ends_the_run(runs, when):
    replies = ["one two"] if when in ("text_delta", "run_finished") else [MADE]
    run = agent(runs, *replies).run("?")
    async for event in run:
        if event.kind == when:
            break
    await settled(run.path)
    outcome = "completed" if when == "run_finished" else "cancelled"
    assert whole(run.path).events[-1].outcome == outcome


async def test_a_reader_who_leaves_at_a_limit_leaves_a_whole_trace(runs):
    from agentlab import Limits

    for when in ("limit_reached", "tool_finished", "run_finished"):
        run = agent(runs, MADE, limits=Limits(seconds=0.05)).run("?")
        async for event in run:
            if event.kind == when:
                break
        await settled(run.path)


async def test_results_that_were_there_when_the_reader_left_are_kept(runs):
    run = agent(runs).run("?")
    async for event in run:
        if event.kind == "tool_finished":
            await asyncio.sleep(0.05)  # the plain one ends meanwhile, unread
            break
    await settled(run.path)
    results = {r.call_id: r for r in results_in(run.state.transcript.messages)}
    assert {id: r.content for id, r in results.items()} == {
        "a": "quick", "b": "the run was cancelled", "c": "plain",
    }  # fmt: skip


async def test_a_tool_may_tidy_up_and_still_answer_when_the_run_is_stopped(runs):
    at_work = asyncio.Event()

    @tool
    async def careful() -> str:
        at_work.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "rolled back"
        return "never"

    run = Agent(backend=Scripted([calls(call("careful"))]), tools=[careful], runs=runs).run("?")
    reading = asyncio.create_task(_awaited(run))
    await at_work.wait()
    run.stop()
    result = await reading
    assert result.outcome == "cancelled"
    assert [r.content for r in results_in(result.messages)] == ["rolled back"]
    whole(run.path)


@pytest.mark.filterwarnings("ignore:run .* was never run:RuntimeWarning")  # with no turn at all
@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_cancelling_the_task_at_any_moment_leaves_a_whole_trace(runs, turns):
    run = agent(runs, "hm", MADE).run("?")
    task = asyncio.create_task(_awaited(run))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    if turns > 2:
        whole(run.path)


@pytest.mark.parametrize("turns", range(2, 60, 4))
async def test_cancelling_amid_calls_leaves_a_whole_trace(runs, turns):
    run = agent(runs, MADE).run("?")
    task = asyncio.create_task(_awaited(run))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cancelled(run.path)


async def _awaited(run):
    return await run


async def test_a_timeout_around_the_run_is_a_cancellation(runs):
    run = agent(runs).run("?")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await run
    cancelled(run.path)


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_ending_a_parent_ends_its_child_whole_as_well(runs, how):
    at_work = asyncio.Event()

    @tool
    async def work() -> None:
        at_work.set()
        await asyncio.Event().wait()

    made = calls(call("work"))
    child = Agent(backend=Scripted([made]), tools=[work], runs=runs, name="child")
    asks = calls(call("ask_child", request="?"))
    run = Agent(backend=Scripted([asks]), tools=[child.as_tool()], runs=runs).run("?")
    reading = asyncio.create_task(_awaited(run))
    await at_work.wait()
    if how == "stop":
        run.stop()
        assert (await reading).outcome == "cancelled"
    else:
        reading.cancel()
        await asyncio.wait([reading])
    paths = list(runs.glob("*.jsonl"))
    assert len(paths) == 2
    for path in paths:
        cancelled(path)


# The event loop itself ends


@pytest.mark.parametrize("when", ["model_replied", "tool_started", "tool_finished"])
@pytest.mark.parametrize("keep", [True, False], ids=["kept", "dropped"])
def test_leaving_as_the_event_loop_closes_leaves_a_whole_trace(runs, when, keep, caplog):
    async def main(run: Any, kept: list[Any]) -> None:
        events = aiter(run)
        if keep:
            kept.append(events)
        async for event in events:
            if event.kind == when:
                break

    for _ in range(20):  # the event loop closes its generators in no fixed order
        run = agent(runs).run("?")
        asyncio.run(main(run, kept := []))
        cancelled(run.path)
        del kept
    assert caplog.records == []  # nothing went wrong in closing


def test_a_backend_that_takes_its_time_to_close_as_the_event_loop_does(runs, caplog):
    closed = []

    class Slow:
        identity = BackendIdentity(name="slow", model="slow")

        async def stream(self, messages, **_):
            try:
                while True:
                    yield TextDelta(text="and ")
            finally:
                await asyncio.sleep(0.001)
                closed.append(True)

    async def main(run: Any, kept: list[Any]) -> None:
        kept.append(aiter(run))
        async for event in kept[0]:
            if event.kind == "text_delta":
                break

    for n in range(20):  # the event loop closes its generators in no fixed order
        run = Agent(backend=cast(Any, Slow()), runs=runs).run("?")
        asyncio.run(main(run, kept := []))
        cancelled(run.path)
        assert len(closed) == n + 1
        del kept
    assert caplog.records == []  # nothing went wrong in closing


@pytest.mark.parametrize("wait", [0, 0.02])
def test_a_run_still_at_work_as_the_event_loop_closes(runs, wait):
    run = agent(runs).run("?")
    tasks = []

    async def main() -> None:
        tasks.append(asyncio.create_task(_awaited(run)))
        await asyncio.sleep(wait)

    asyncio.run(main())
    assert tasks[0].cancelled()
    cancelled(run.path)


def test_an_error_of_the_reader_is_not_an_error_of_the_run(runs):
    run = agent(runs).run("?")

    async def main() -> None:
        async for event in run:
            if event.kind == "tool_started":
                raise LookupError("the reader's own")

    with pytest.raises(LookupError):
        asyncio.run(main())
    cancelled(run.path)
    assert "run_failed" not in kinds(whole(run.path))


def test_ctrl_c_in_a_script_leaves_a_whole_trace(runs, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import asyncio
            from pathlib import Path
            from agentlab import Agent, Message, ToolCall, tool
            from agentlab.backends.scripted import Scripted

            @tool
            async def hang() -> str:
                print("at work", file=__import__("sys").stderr, flush=True)
                await asyncio.Event().wait()

            made = Message.assistant(ToolCall(id="1", name="hang", arguments=""))
            Agent(backend=Scripted([made]), tools=[hang], runs=Path({str(runs)!r})).run_sync("?")
            """
        )
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"at work\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    (path,) = runs.glob("*.jsonl")
    cancelled(path)
