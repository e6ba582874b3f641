"""Backends are async; the frameworks' plain methods are not. Here the one is had from the other.

One event loop, on a daemon thread, serves every plain call of this process. So connections live on
from call to call, and a plain call works inside a running loop as well, as in a notebook.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar, cast

from agentlab.agent.generators import owned

T = TypeVar("T")

_lock = Lock()
_loop: asyncio.AbstractEventLoop | None = None


def waited(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await something from plain code. It is cancelled where the wait is broken off (Ctrl-C)."""
    done = asyncio.run_coroutine_threadsafe(coroutine, _running())
    try:
        return done.result()
    finally:
        done.cancel()


def each(items: AsyncIterator[T]) -> Iterator[T]:
    """The items of an async iterator, as they come, for plain code.

    Whoever stops reading closes the iterator here, and it is closed there.
    """
    loop = _running()
    came: SimpleQueue[tuple[T | None, BaseException | None, bool]] = SimpleQueue()

    async def pump() -> None:
        try:
            async with owned(items) as reading:
                async for item in reading:
                    came.put((item, None, True))
        except BaseException as error:  # noqa: BLE001 - raised where the items are read
            came.put((None, error, False))
        else:
            came.put((None, None, False))

    tasks: list[asyncio.Task[None]] = []
    # it runs in a copy of the caller's context, so that what is traced or counted finds its run
    loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(pump())))
    over = False
    try:
        while True:
            item, error, more = came.get()
            if not more:
                over = True
                if error is not None:
                    raise error
                return
            yield cast(T, item)
    finally:
        if not over:
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())  # noqa: PLW0108 - made there first


def _running() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 - one for the process
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            Thread(target=_loop.run_forever, daemon=True, name="agentlab-frameworks").start()
        return _loop


def _forget() -> None:
    global _loop, _lock
    # a forked child has the loop, but not its thread
    _loop, _lock = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
