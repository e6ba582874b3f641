"""Looks, from the host, at what a sandbox takes in all, and ends it where that is too much.

Resource limits bound one process; this bounds all of them together, and the number of files, which
a memory-backed file system does not bound. It looks every 50 ms while a cell runs, so code can
overshoot by what it can take in that time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from agentlab_tools.execute import files
from agentlab_tools.execute.values import MB, SandboxLimits

_BUSY, _IDLE = 0.05, 0.5
_DISK_EVERY = 10
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PRELOADED = 256 * MB
_OWN_THREADS = 8


class Watchdog:
    """Watches the family of one process. Calls `on_breach`, once, with the reason."""

    def __init__(
        self,
        root: int,
        folders: tuple[int, ...],
        limits: SandboxLimits,
        on_breach: Callable[[str], None],
        *,
        shared: bool,
    ) -> None:
        self._root = root
        self._folders = folders
        self._limits = limits
        self._on_breach = on_breach
        self._shared = shared
        """Whether the folders lie on the host's disk, and so must be walked to be measured."""
        self._loop = asyncio.get_running_loop()
        self._ticks = 0
        self._busy_until = 0.0
        self._measuring: asyncio.Future[None] | None = None
        self._timer = self._loop.call_later(_IDLE, self._look)

    def hurry(self) -> None:
        """A cell begins: look often."""
        slow = self._busy_until < self._loop.time()
        self._busy_until = self._loop.time() + 2 * _IDLE
        if slow and not self._timer.cancelled():
            self._timer.cancel()
            self._timer = self._loop.call_later(_BUSY, self._look)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._on_breach = _ignore

    def _look(self) -> None:
        breach = self._breach()
        if breach is not None:
            self._on_breach(breach)
            return
        self._timer = self._loop.call_later(_BUSY, self._look)

    def _breach(self) -> str | None:
        memory, threads = taken(self._root)
        if memory > self._limits.memory + _PRELOADED:
            return f"all its processes together used more than {_mb(self._limits.memory)} of memory"
        if threads > self._limits.processes + _OWN_THREADS:
            return f"it had more than {self._limits.processes} processes and threads"
        if not self._shared:
            for folder in self._folders:
                info = os.fstatvfs(folder)
                if info.f_files - info.f_ffree > self._limits.files:
                    return f"it made more than {self._limits.files:,} files"
        elif self._ticks % _DISK_EVERY == 0 and self._measuring is None:
            self._measuring = asyncio.ensure_future(self._measure())
        self._ticks += 1
        return None

    async def _measure(self) -> None:
        try:
            for folder in self._folders:
                with suppress(OSError):
                    held = os.dup(folder)
                    try:
                        too_much = await asyncio.to_thread(
                            files.exceeds, held, self._limits.disk, self._limits.files
                        )
                    finally:
                        os.close(held)
                    if too_much:
                        self._on_breach(too_much)
        finally:
            self._measuring = None


def taken(root: int) -> tuple[int, int]:
    """What a process and all its descendants have: resident memory in bytes, and threads.

    Pages that several of them share are counted for each.
    """
    total = threads = 0
    todo = [root]
    while todo:
        pid = todo.pop()
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - 20 times a second
                total += int(file.read().split()[1]) * _PAGE
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
                threads += 1
                with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                    todo += map(int, file.read().split())
        except OSError:
            continue
    return total, threads


def _mb(size: int) -> str:
    return f"{size // MB:,} MB"


def _ignore(_reason: str) -> None:
    """Nobody listens any more."""
