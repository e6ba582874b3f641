"""How much at once, and how often: one limiter, shared by as many agents as there are.

    limiter = Limiter(concurrent=8, per_minute=300)
    first, second = (connect(name, limiter=limiter) for name in names)

Waiting is fair: first come, first served. When a service says to slow down, everyone who shares the
limiter waits, rather than each finding out alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from agentlab.errors import ConfigError


@dataclass(eq=False)
class _Turn:
    """Somebody who waits, in an event loop of whatever thread."""

    loop: asyncio.AbstractEventLoop
    come: asyncio.Future[None]
    given: bool = False

    def give(self) -> bool:
        """Wake whoever waits; False where that loop is gone, and they with it."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._wake)
            return True
        return False

    def _wake(self) -> None:
        if not self.come.done():
            self.come.set_result(None)


class Limiter:
    """Bounds on requests under way and on requests begun, for any number of threads and loops.

    Args:
        concurrent: how many may be under way at once; None for no bound.
        per_minute: how many may begin in a minute, evenly spread; None for no bound.
        burst: how many may begin at once before the spreading starts.

    Raises:
        ConfigError: a bound below one.
    """

    def __init__(
        self, *, concurrent: int | None = None, per_minute: float | None = None, burst: int = 1
    ) -> None:
        if any(bound is not None and bound <= 0 for bound in (concurrent, per_minute, burst)):
            raise ConfigError("a limiter's bounds must be above zero; leave one out for no bound")
        self._free = concurrent
        self._lock = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._slack = self._interval * (burst - 1)
        self._due = 0.0
        self._held_until = 0.0

    async def acquire(self) -> None:
        """Wait for a turn. Whoever got one gives it back with `release`."""
        await self._take()
        try:
            await self._pace()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give a turn back; from any thread."""
        with self._lock:
            if self._free is None:
                return
            while self._waiting:
                turn = self._waiting.popleft()
                turn.given = turn.give()
                if turn.given:
                    return
            self._free += 1

    def hold(self, seconds: float) -> None:
        """Let nobody begin for that long from now."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    async def _pace(self) -> None:
        if self._interval:
            # the generic cell rate algorithm (ITU-T I.371): one number holds the whole schedule
            with self._lock:
                now = time.monotonic()
                self._due = max(self._due, now)
                start = self._due - self._slack
                self._due += self._interval
            if start > now:
                await asyncio.sleep(start - now)
        # others may hold it longer meanwhile, hence the loop
        while (wait := self._held_until - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._free is None:
                return
            if self._free > 0:
                self._free -= 1
                return
            turn = _Turn(loop, loop.create_future())
            self._waiting.append(turn)
        try:
            await turn.come
        except asyncio.CancelledError:
            with self._lock:
                ours = turn.given
                if not ours:
                    self._waiting.remove(turn)
            if ours:
                self.release()  # it was our turn already, so it passes to the next
            raise
