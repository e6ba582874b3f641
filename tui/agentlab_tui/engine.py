"""A thread of its own for models and tools, so that the screen is free whatever they do.

Backends live on this thread's event loop and stay open between runs: loading a model once is
enough, and its cache stays warm.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from agentlab.backend import Backend

T = TypeVar("T")

Connect: TypeAlias = "Callable[[str], Backend]"

_PATIENCE_S = 5.0
_PATIENT = 10


class Engine:
    """Runs coroutines away from the screen. It starts when first used, and must be closed."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._backends: dict[str, Backend] = {}

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin some work there."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def call(self, what: Callable[[], object]) -> None:
        """Call something there, soon."""
        self._running().call_soon_threadsafe(what)

    def backend(self, name: str) -> Backend:
        """The backend of that name, opened once. To be called on the engine's own thread.

        Raises:
            ConfigError: as `connect`.
        """
        if name not in self._backends:
            self._backends[name] = self._connect(name)
        return self._backends[name]

    def close(self) -> None:
        """Stop all work, free the backends and end the thread. Closing twice does no harm."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with suppress(TimeoutError):  # a model deep in C code is left to the process's end
            asyncio.run_coroutine_threadsafe(self._shut(), loop).result(_PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_S)
        if not thread.is_alive():
            loop.close()

    async def _shut(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        backends = [*self._backends.values()]
        self._backends.clear()
        await asyncio.gather(*(b.aclose() for b in backends), return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_work_on, args=(self._loop,), name="agentlab-engine", daemon=True
            )
            self._thread.start()
        return self._loop


def _work_on(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop behind the screen in the queue for the processor.

    On Linux a thread has a priority of its own, and threads that it starts (a model's) begin with
    it: so a key is answered at once, though every core is busy.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PATIENT)
    loop.run_forever()
