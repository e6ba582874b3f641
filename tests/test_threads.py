"""Blocking functions run beside the event loop, on threads that hold nothing up."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from agentlab.tooling.threads import MAX_IDLE, in_thread

name: ContextVar[str] = ContextVar("name", default="nobody")


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "agentlab"]


async def test_the_function_sees_the_callers_context_and_cannot_change_it():
    def rename() -> str:
        before = name.get()
        name.set("thread")
        return before

    name.set("caller")
    assert await in_thread(rename) == "caller"
    assert name.get() == "caller"


async def test_threads_are_used_again():
    before = set(ours())
    used = {await in_thread(threading.get_ident) for _ in range(50)}
    assert len(used) <= 2
    assert len(set(ours()) - before) <= 1


async def test_many_at_once_each_get_their_own_and_few_are_kept():
    barrier = threading.Barrier(40, timeout=60)
    await asyncio.gather(*(in_thread(barrier.wait) for _ in range(40)))
    for thread in ours():
        thread.join(0.05)
    assert len(ours()) <= MAX_IDLE + 1


@pytest.mark.parametrize(
    "error", [SystemExit(2), KeyboardInterrupt(), StopIteration(), GeneratorExit()]
)
async def test_what_would_end_the_loop_becomes_an_ordinary_error(error):
    def fail() -> None:
        raise error

    with pytest.raises(RuntimeError, match=type(error).__name__):
        await in_thread(fail)


async def test_a_wait_that_is_cancelled_leaves_the_function_to_itself():
    release, ended = threading.Event(), threading.Event()

    def slow() -> None:
        release.wait(60)
        ended.set()

    waiting = asyncio.ensure_future(in_thread(slow))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    release.set()
    assert await asyncio.to_thread(ended.wait, 60)


def test_a_function_may_end_after_its_event_loop_was_closed():
    release = threading.Event()

    async def leave() -> None:
        waiting = asyncio.ensure_future(in_thread(lambda: release.wait(60)))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(leave())
    release.set()
    assert asyncio.run(_idle()) == "ok"


async def _idle() -> str:
    return await in_thread(lambda: "ok")


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_function_that_hangs_does_not_hang_the_program():
    done = run(
        "import asyncio, threading\n"
        "from agentlab.tooling.threads import in_thread\n"
        "async def main():\n"
        "    try:\n"
        "        async with asyncio.timeout(0.05):\n"
        "            await in_thread(threading.Event().wait)\n"
        "    except TimeoutError:\n"
        "        print('left it')\n"
        "asyncio.run(main())\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left it\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_threads_of_its_own():
    done = run(
        "import asyncio, os, time\n"
        "from agentlab.tooling.threads import _idle, in_thread\n"
        "async def main():\n"
        "    return await in_thread(lambda: 'ok')\n"
        "assert asyncio.run(main()) == 'ok'\n"
        "while not _idle: time.sleep(0.001)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    async def bounded():\n"
        "        async with asyncio.timeout(10):\n"
        "            return await main()\n"
        "    os._exit(0 if asyncio.run(bounded()) == 'ok' else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert done.stdout == "0\n"
