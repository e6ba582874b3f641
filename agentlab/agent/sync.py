"""Runs from plain code, whether or not an event loop is running there."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import copy_context

from agentlab.agent.profile import Output
from agentlab.agent.result import Result
from agentlab.agent.run import Run


def sync(run: Run[Output]) -> Result[Output]:
    """Await a run from plain code.

    Where a loop is running already, as in a notebook, that loop stands still until the run has
    ended, which goes on in a thread with a loop of its own. Code that can await does better.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_result_of(run))
    return _beside(run)


def _beside(run: Run[Output]) -> Result[Output]:
    done: Future[Result[Output]] = Future()
    loop = asyncio.new_event_loop()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                done.set_result(runner.run(_result_of(run)))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            done.set_exception(error)

    # with the caller's context, so that what is printed or shown finds its cell
    thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True)
    thread.start()
    try:
        return done.result()
    except KeyboardInterrupt:
        if not loop.is_closed():
            loop.call_soon_threadsafe(run.stop)  # its last events are written before it ends
        raise
    finally:
        thread.join()


async def _result_of(run: Run[Output]) -> Result[Output]:
    return await run
