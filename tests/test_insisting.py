"""What will not be stopped is stopped all the same: backends, tools, and whatever they wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from conversation import call, calls, results_in, whole

from agentlab import Agent, Limits, tool
from agentlab.backend import BackendIdentity, TextDelta
from agentlab.backends.scripted import Scripted
from agentlab.tooling.insisting import insisted

GRACE = 0.05


@pytest.fixture(autouse=True)
def hurried(monkeypatch) -> None:
    monkeypatch.setattr("agentlab.tooling.insisting.GRACE", GRACE)


class Stubborn:
    """A model that says one word, then waits, and takes no cancellation for an answer."""

    identity = BackendIdentity(name="stubborn", model="stubborn")

    def __init__(self, waits: Callable[[], Any]) -> None:
        self._waits = waits
        self.closed = False

    async def stream(self, messages, **_):
        try:
            yield TextDelta(text="well ")
            while True:
                try:
                    await self._waits()
                except asyncio.CancelledError:
                    continue
        finally:
            self.closed = True


async def _turns() -> None:
    await asyncio.sleep(0)


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _deep() -> None:
    async with asyncio.timeout(3600), asyncio.TaskGroup() as group:
        group.create_task(_for_ever())


WAITS = pytest.mark.parametrize("waits", [_turns, _for_ever, _deep])


@WAITS
async def test_a_deadline_holds_for_a_backend_that_swallows_cancellation(runs, waits):
    backend = Stubborn(waits)
    agent = Agent(backend=cast(Any, backend), runs=runs, limits=Limits(seconds=0.05))
    result = await asyncio.wait_for(agent.run("?"), 5)
    assert result.outcome == "limit"
    assert result.limit is not None
    assert result.limit.limit == "seconds"
    assert backend.closed or waits is _deep  # whose tasks are waited for in its own last words
    whole(result.path)


@WAITS
async def test_stop_holds_for_a_backend_that_swallows_cancellation(runs, waits):
    run = Agent(backend=cast(Any, Stubborn(waits)), runs=runs).run("?")
    async with asyncio.timeout(5):
        async for event in run:
            if event.kind == "text_delta":
                asyncio.get_running_loop().call_later(0.02, run.stop)
    assert run.result().outcome == "cancelled"
    whole(run.path)


@WAITS
async def test_cancelling_the_task_of_a_run_ends_it(runs, waits):
    run = Agent(backend=cast(Any, Stubborn(waits)), runs=runs).run("?")
    task = asyncio.ensure_future(run)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    whole(run.path)


async def _with(runs, made, **options) -> Any:
    backend = Scripted([calls(call(made.name)), "ok"])
    result = await Agent(backend=backend, runs=runs, tools=[made], **options).run("?")
    return results_in(result.messages)[0]


async def test_a_tool_that_blocks_the_loop_past_its_time_has_timed_out(runs):
    @tool(timeout=0.05)
    async def blocks() -> str:
        """Does not wait as it should."""
        time.sleep(0.2)  # noqa: ASYNC251 - this is the mistake
        return "late"

    assert (await _with(runs, blocks)).error == "timeout"


async def test_a_timeout_of_the_tools_own_is_its_own_to_deal_with(runs):
    @tool
    async def patient() -> str:
        """Gives up one thing, and takes its time for another."""
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            await asyncio.sleep(GRACE * 4)
        return "done"

    assert (await _with(runs, patient)).content == "done"


async def test_what_is_cancelled_may_tidy_up_for_as_long_as_its_grace():
    tidied: list[str] = []

    async def work() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(GRACE / 5)
            tidied.append("first")
            await asyncio.sleep(GRACE * 20)
            tidied.append("second")
        return "never"

    task = asyncio.ensure_future(_plain(insisted(work())))
    await asyncio.sleep(0.01)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied == ["first"]
    assert time.monotonic() - began < GRACE * 15


async def test_values_and_errors_pass_as_they_do_without_it():
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("its own")

    async def answers() -> int:
        await asyncio.sleep(0.001)
        return await asyncio.to_thread(lambda: 7)

    assert await insisted(answers()) == 7
    with pytest.raises(ValueError, match="its own"):
        await insisted(fails())
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_exception(KeyError("gone"))
    with pytest.raises(KeyError):
        await insisted(future)


async def _plain(awaitable: Any) -> Any:
    return await awaitable


def test_a_tool_that_never_stops_does_not_keep_the_program_from_ending(tmp_path):
    script = """
import asyncio
from agentlab import Agent, tool
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, ToolCall

@tool(timeout=0.2)
async def endless() -> str:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

call = Message.assistant(ToolCall(id="a", name="endless", arguments="{}"))
agent = Agent(backend=Scripted([call, "ok"]), tools=[endless], runs=None)

async def main() -> None:
    print((await agent.run("?")).output)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("ok\n", "", 0)
