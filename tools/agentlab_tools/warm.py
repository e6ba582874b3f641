"""Workers that stay warm: each job in a process that can be killed, with no start to wait for.

`killable` starts a process for each job, which is right where a job takes a second. Where one takes
a fraction of a millisecond the start would be all of it, so these take one line after the other:

    _WORKERS = Workers(Path(__file__).with_name("arithmetic.py"))
    answer = await _WORKERS.answer(b'"6 * 7"', seconds=5)

Such a worker is a script that imports nothing of ours and answers each line of stdin with one line
on stdout. It ends when stdin does, so none outlives the program that started it by more than the
processor time that its job has left.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, cast
from weakref import WeakSet

from agentlab.tooling.threads import in_thread
from agentlab_tools.killable import kept_environment

MAX_IDLE = 2
"""Workers of one kind that wait for a job; further ones live as long as theirs."""
_LONGEST = 1 << 20

_Process = subprocess.Popen[bytes]
_everyone: WeakSet[Workers] = WeakSet()


class Workers:
    """Processes that run one script. Used from any thread and any event loop.

    Args:
        script: what each of them runs.
    """

    def __init__(self, script: Path) -> None:
        self._script = script
        self._idle: deque[_Process] = deque()
        self._lock = Lock()
        _everyone.add(self)

    async def answer(self, job: bytes, *, seconds: float) -> bytes:
        """What the script answers to a job of one line; empty where its process ended instead.

        When the time is up, or the wait is cancelled, the process is killed, whatever it is doing.

        Raises:
            TimeoutError: its time was up.
            OSError: no process can be started.
        """
        process = self._taken() or self._started()
        line = b""
        try:
            async with asyncio.timeout(seconds):
                line = await in_thread(lambda: _asked(process, job))
        finally:
            if line.endswith(b"\n"):
                self._given_back(process)
            else:
                end(process)
        return line.rstrip(b"\n")

    def close(self) -> None:
        """End those that wait; the next job starts anew."""
        while (process := self._taken()) is not None:
            end(process)

    def forget(self) -> None:
        """In a forked child: they are the parent's, and so is whatever they answer."""
        for process in self._idle:
            process.returncode = 0  # not ours to wait for
            _let_go(process)
        self._idle.clear()
        self._lock = Lock()

    def _taken(self) -> _Process | None:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.poll() is None:
                    return process
                end(process)
        return None

    def _given_back(self, process: _Process) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(process)
                return
        end(process)

    def _started(self) -> _Process:
        return subprocess.Popen(
            [sys.executable, "-P", str(self._script)],
            env=kept_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the program, which decides what to end
        )


def end(process: _Process) -> None:
    """Kill a worker and let go of it, at once: nothing in it is worth an orderly end."""
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()
    _let_go(process)


def _asked(process: _Process, job: bytes) -> bytes:
    to, back = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    try:
        to.write(job + b"\n")
        to.flush()
        return back.readline(_LONGEST)
    except (OSError, ValueError):  # it is gone, or was let go of
        return b""


def _let_go(process: _Process) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


@atexit.register
def _close_all() -> None:
    for workers in _everyone:
        workers.close()


def _forget_all() -> None:
    for workers in _everyone:
        workers.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
