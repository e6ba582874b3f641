"""Blocking functions off the event loop, on daemon threads that are used again.

A pool from the standard library joins its threads when the program ends, so one tool that hangs for
ever would hang the program. These are daemons: the caller's timeout fires, and the exit is free.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias, TypeVar, cast

T = TypeVar("T")
_Jobs: TypeAlias = "SimpleQueue[Callable[[], None]]"

MAX_IDLE = 16
_idle: deque[_Jobs] = deque()
if hasattr(os, "register_at_fork"):  # threads do not live on in a forked child
    os.register_at_fork(after_in_child=_idle.clear)


async def in_thread(function: Callable[[], T]) -> T:
    """Run a blocking function on another thread, in a copy of this context, and await it.

    When the wait is cancelled the function runs on, and what it returns is dropped. What it raises
    is raised here; an exit, an interrupt or a StopIteration becomes a RuntimeError, since it was
    this function's doing and must not end the event loop.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def settle(value: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(cast(T, value))
        else:
            done.set_exception(error)

    def work() -> None:
        value: T | None = None
        failure: BaseException | None = None
        try:
            value = context.run(function)
        except BaseException as error:  # noqa: BLE001 - handed over, raised where it is awaited
            failure = error
            if isinstance(error, StopIteration) or not isinstance(error, Exception):
                failure = RuntimeError(f"{type(error).__name__}: {error}")
        with suppress(RuntimeError):  # the loop was closed while a hung function was left behind
            loop.call_soon_threadsafe(settle, value, failure)

    _worker().put(work)
    return await done


def _worker() -> _Jobs:
    try:
        return _idle.pop()
    except IndexError:
        jobs: _Jobs = SimpleQueue()
        Thread(target=_serve, args=(jobs,), daemon=True, name="agentlab").start()
        return jobs


def _serve(jobs: _Jobs) -> None:
    while True:
        jobs.get()()
        if len(_idle) >= MAX_IDLE:
            return
        _idle.append(jobs)
