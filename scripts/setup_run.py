"""How set-up runs commands: what is shown, what is logged, how they are stopped, how failure reads.

A command's whole output goes to a log file; the terminal gets one line that is redrawn (or, when
it is not a terminal, a plain line now and then). A command never outlives this process, however
this process ends, and locks taken here are held until it is really gone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

# Stands between this process and a command. Its stdin is a pipe that only this process holds, so
# the end of this process, even by SIGKILL, is seen as end of file. SIGTERM comes first because
# ninja puts each compiler in a process group of its own and stops it, and removes its half-written
# output, only when asked politely.
_GUARD = """
import os, signal, subprocess, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: None)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    os.read(0, 1)
    stopping.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(1)
    os.killpg(0, signal.SIGKILL)
stopping = threading.Event()
threading.Thread(target=watch, daemon=True).start()
code = child.wait()
while stopping.is_set():
    time.sleep(1)
sys.exit(code % 256)
"""

_CAUSES: tuple[tuple[str, str], ...] = (
    (
        r"No space left on device|Errno 28|Disk quota exceeded",
        "the disk is full: free about 1 GB and run it again",
    ),
    (
        r"cc1plus.*Killed|Killed signal terminated program|cannot allocate memory",
        "memory ran out while compiling: close other programs, or run it again with "
        "CMAKE_BUILD_PARALLEL_LEVEL=1",
    ),
    (
        r"NewConnectionError|Failed to establish a new connection|[Nn]ame resolution"
        r"|Connection (?:refused|reset|broken)|Cannot connect to proxy|ReadTimeout|timed out"
        r"|Network is unreachable|\(from versions: none\)",
        "the Python package index cannot be reached: check the network (or pip's index and proxy "
        "settings) and run it again",
    ),
    (
        r"CMAKE_C(?:XX)?_COMPILER|not able to compile a simple test program",
        "the C++ compiler does not work: install gcc and g++ (or set CC and CXX) and run it again",
    ),
    (r"Permission denied|Errno 13", "a file cannot be written: see the log for which one"),
)


class SetupFailed(Exception):
    """Set-up cannot go on; the text is one line for the user, with what to do about it."""


class Screen:
    """Progress for people: numbered stages, and under a terminal one live line for detail."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._number = 0
        self._title = ""
        self._began = 0.0
        self._tenth = -1
        self._live = sys.stdout.isatty()

    def stage(self, title: str) -> None:
        """Begin the next stage."""
        self._number += 1
        self._title = title
        self._began = time.monotonic()
        self._tenth = -1
        self._draw("")
        if not self._live:
            print(f"[{self._number}/{self._total}] {title}", flush=True)

    def detail(self, text: str, share: float | None = None) -> None:
        """Say what the stage is at; a share (0 to 1) is shown as a percentage.

        Without a terminal, only text without a share and each further tenth are printed.
        """
        if share is None:
            self._tenth = -1
            if not self._live:
                print(f"      {text}", flush=True)
            return self._draw(text)
        shown = f"{text} {share:4.0%}"
        if not self._live and int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            print(f"      {shown}", flush=True)
        return self._draw(shown)

    def busy(self, text: str) -> None:
        """Show passing detail, on a terminal only."""
        self._draw(text)

    def say(self, text: str) -> None:
        """Say what is to stay on the screen."""
        print(f"\r\x1b[K      {text}" if self._live else f"      {text}", flush=True)

    def done(self, note: str = "") -> None:
        """End the stage."""
        seconds = time.monotonic() - self._began
        line = f"{self._title}: {note or 'done'}, {_duration(seconds)}"
        if self._live:
            print(f"\r\x1b[K[{self._number}/{self._total}] {line}", flush=True)
        else:
            print(f"      {note or 'done'}, {_duration(seconds)}", flush=True)

    def clear(self) -> None:
        """Leave the live line, so that ordinary text can follow."""
        if self._live and self._title:
            print(flush=True)

    def _draw(self, text: str) -> None:
        if self._live:
            line = f"[{self._number}/{self._total}] {self._title}{': ' if text else ''}{text}"
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{line[:width]}", end="", flush=True)


def run(
    argv: Sequence[str | Path],
    *,
    log: Path,
    on_line: Callable[[str], None],
    cwd: Path,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command to its end, its output going to `log` and, line by line, to `on_line`.

    When this is interrupted, the command and all it started are stopped first.

    Raises:
        SetupFailed: the command failed; the message names the likely cause and the log.
    """
    command = [sys.executable, "-I", "-c", _GUARD, *map(str, argv)]
    tail: list[str] = []
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {' '.join(map(str, argv))}\n")
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches this process only, which then stops it
            close_fds=False,  # the guard keeps our locks until it has seen the command end
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if not line.startswith("Progress "):
                    out.write(line)
                    tail = [*tail[-199:], line]
                on_line(line)
            code = process.wait()
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait()
    if code != 0:
        raise SetupFailed(_cause("".join(tail), log))


@contextmanager
def locked(folder: Path, waiting: Callable[[], None]) -> Generator[None]:
    """Hold the folder's lock; while another process has it, say so once with `waiting` and wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.set_inheritable(descriptor, True)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _cause(output: str, log: Path) -> str:
    for pattern, cause in _CAUSES:
        if re.search(pattern, output):
            return f"{cause} (log: {log})"
    errors = re.findall(r"^\s*((?:ERROR|\w*Error|CMake Error[^:]*): \S.*)$", output, re.MULTILINE)
    return f"a command failed: {errors[-1] if errors else 'it said nothing'} (log: {log})"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
