"""Cancellation that comes true, whatever is cancelled thinks of it.

Code may catch `CancelledError` and carry on: a retry loop with a bare `except`, a `finally` that
waits for a server. Awaited plainly, that holds up its deadline, Ctrl-C and the end of the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from contextlib import suppress
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")

GRACE = 1.0
"""Seconds that what is cancelled has to tidy up, or still to answer, before it is left behind."""


@coroutine
def insisted(awaitable: Awaitable[T]) -> Generator[Any, Any, T]:
    """Await something; once it is cancelled, for no longer than `GRACE`.

    Until then this passes on what it waits for and what comes of it, like `await`, in the same
    task. What is left behind is closed where it stands: its `finally` blocks run up to their next
    wait. A cancellation that was of its own making, like that of a timeout within it, is its own
    to deal with.

    Raises:
        asyncio.CancelledError: it was cancelled, and did not answer in time.
    """
    inner = awaitable.__await__()
    try:
        waits_for = next(inner)
    except StopIteration as end:  # it had nothing to wait for
        return end.value
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    before = task.cancelling() if task else 0
    until: float | None = None  # the end of its grace
    while True:
        value, error, came = None, None, True
        try:
            if until is None:
                value = yield waits_for
            else:
                came = yield from _within(waits_for, until - loop.time())
        except asyncio.CancelledError as cancelled:
            until, error = until or loop.time() + GRACE, cancelled
        except BaseException as failed:  # noqa: BLE001 - what it waited for failed: its to see
            error = failed
        if not came:
            with suppress(Exception):  # its last words are about work that is over
                inner.close()
            raise asyncio.CancelledError
        try:
            waits_for = inner.send(value) if error is None else inner.throw(error)
        except StopIteration as end:
            return end.value
        if until is not None and task and task.cancelling() <= before:
            until = None


def _within(waits_for: asyncio.Future[Any] | None, seconds: float) -> Generator[Any, Any, bool]:
    """Wait for what a coroutine waits for; whether it came."""
    if waits_for is None:  # it gives the loop a turn
        yield
        return seconds > 0
    # a mark between coroutine and task that somebody awaits this future: here it is we who do
    waits_for._asyncio_future_blocking = False
    done, _ = yield from asyncio.wait([waits_for], timeout=max(0.0, seconds)).__await__()
    return bool(done)
