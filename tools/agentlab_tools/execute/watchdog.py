"""Looks, from the host, at what a sandbox takes in all, and ends it where that is too much.

Resource limits bound one process; this bounds all of them together, and the number of files, which
a memory-backed file system does not bound. Memory that processes share without a file, and that
each can stop showing while it is kept, counts by its size, touched or not. It looks every 50 ms
while a cell runs, so code can overshoot by what it can take in that time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from agentlab_tools.execute import files
from agentlab_tools.execute.values import MB, SandboxLimits

_BUSY, _IDLE = 0.05, 0.5
_DISK_EVERY = 10
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PRELOADED = 256 * MB
_OWN_THREADS = 8
_TABLES = 4
"""So many times the descriptors that one process may have, all processes may have together."""
_LARGE = 16 * MB
_NO_FILE = (b"/dev/zero", b"/memfd:", b"/SYSV", b"anon_inode:")


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
        used, limits = taken(self._root), self._limits
        memory = limits.memory + _PRELOADED
        if used.resident > memory or (used.mapped > memory and charged(used.processes) > memory):
            return f"all its processes together used more than {_mb(limits.memory)} of memory"
        if used.threads > limits.processes + _OWN_THREADS:
            return f"it had more than {limits.processes} processes and threads"
        if used.descriptors > limits.open_files * _TABLES:
            most = limits.open_files * _TABLES
            return f"all its processes together had more than {most:,} files and pipes open"
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
                    descriptor = os.dup(folder)
                    try:
                        too_much = await asyncio.to_thread(
                            files.exceeds, descriptor, self._limits.disk, self._limits.files
                        )
                    finally:
                        os.close(descriptor)
                    if too_much:
                        self._on_breach(too_much)
        finally:
            self._measuring = None


@dataclass
class Used:
    """What a process and all its descendants have. Sizes in bytes."""

    resident: int = 0
    """Pages that several of them share are counted for each."""
    mapped: int = 0
    """Address space, in use or not."""
    threads: int = 0
    descriptors: int = 0
    processes: list[Memory] = field(default_factory=list["Memory"])


class Memory(NamedTuple):
    """What one process has, in bytes."""

    pid: int
    mapped: int
    resident: int
    shared: int
    """Of the resident, what others may show, too."""


def taken(root: int) -> Used:
    """What a process and all its descendants have."""
    used = Used()
    todo = [root]
    while todo:
        pid = todo.pop()
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - 20 times a second
                mapped, resident, shared = (int(n) * _PAGE for n in file.read().split()[:3])
            used.mapped += mapped
            used.resident += resident
            used.processes.append(Memory(pid, mapped, resident, shared))
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
                used.threads += 1
                with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                    todo += map(int, file.read().split())
            used.descriptors += _descriptors(pid)
        except OSError:
            continue
    return used


def charged(processes: Sequence[Memory]) -> int:
    """The memory of these processes, with all that they share without a file.

    A page of such memory lives for as long as anyone has it mapped, in sight of no counter of any
    process: so each piece counts once, by its size. A process that hides what it maps is charged
    for all of it.
    """
    total = 0
    pieces: dict[bytes, int] = {}
    for process in processes:
        total += process.resident - process.shared
        if process.mapped < _LARGE:
            continue
        try:
            with open(f"/proc/{process.pid}/maps", "rb") as file:  # noqa: PTH123
                lines = file.read().splitlines()
        except ProcessLookupError:
            continue
        except OSError:
            total += process.mapped
            continue
        for line in lines:
            span, mode, offset, device, rest = line.split(b" ", 4)
            inode, _, path = rest.partition(b" ")
            if mode[3:] == b"s" and path.lstrip().startswith(_NO_FILE):
                start, end = (int(part, 16) for part in span.split(b"-"))
                name = device + b" " + inode
                pieces[name] = max(pieces.get(name, 0), int(offset, 16) + end - start)
    return total + sum(pieces.values())


def _descriptors(pid: int) -> int:
    folder = f"/proc/{pid}/fd"
    size = os.stat(folder).st_size  # noqa: PTH116 - their number, since Linux 6.2
    return size or len(os.listdir(folder))  # noqa: PTH208


def _mb(size: int) -> str:
    return f"{size // MB:,} MB"


def _ignore(_reason: str) -> None:
    """Nobody listens any more."""
