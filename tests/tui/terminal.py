"""A real terminal without a window: a program's bytes go into a screen in memory."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pyte

_OF_ANOTHER = ("TMUX", "NO_COLOR", "COLORTERM", "COLUMNS", "LINES")
"""What an environment says of the terminal it came from, sizes included."""

KEYS = {"enter": "\r", "escape": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "tab": "\t"}


class Terminal:
    """A program on a pseudo-terminal, and what it drew.

    The program sees this terminal and no other; what the machine's own environment says of its
    terminal is left out.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 36),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self.code: int | None = None
        env = {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER}
        env |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(environment or {})}
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            with suppress(OSError):
                os.execvpe(command[0], list(command), env)
            os._exit(127)
        self.resize(*size)

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())
            self._read(0.08)  # an escape stands alone only where nothing follows at once

    def paste(self, text: str) -> None:
        """Paste, as a terminal does where the program has asked for it."""
        data = f"\x1b[200~{text}\x1b[201~".encode()
        while data:
            _, ready, _ = select.select([], [self._master], [], 5)
            assert ready, "the program reads nothing"
            data = data[os.write(self._master, data[:1024]) :]
            self._read(0)

    def resize(self, width: int, height: int) -> None:
        """Change the size."""
        ioctl(self._master, TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._screen.resize(height, width)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def sees(self, *texts: str, seconds: float = 60) -> str:
        """Wait until the screen shows all of some texts."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.code is None:
            self._read(0.1)
            if all(text in self.text for text in texts):
                return self.text
        self._read(0)
        if all(text in self.text for text in texts):
            return self.text
        raise AssertionError(f"never saw {texts} (code {self.code}) in:\n{self.text}")

    def ends(self, seconds: float = 60) -> int:
        """Wait until the program ends; its exit code."""
        until = time.monotonic() + seconds
        while self.code is None and time.monotonic() < until:
            self._read(0.1)
        assert self.code is not None, f"it still runs; the screen:\n{self.text}"
        return self.code

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -9
        os.close(self._master)

    def _read(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self._master], [], [], max(0, until - time.monotonic()))
            if not ready:
                break
            try:
                data = os.read(self._master, 65536)
            except OSError:  # Linux: the other side is closed
                data = b""
            if not data:
                self._reap()
                return
            self.written += data
            self._stream.feed(data)
        self._reap(wait=False)

    def _reap(self, *, wait: bool = True) -> None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, 0 if wait else os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)


def agentlab(home: Path, *arguments: str, script: Path | None = None) -> list[str]:
    """The command line that opens the real command, or a script in its place; not the first time,
    so no welcome stands over the roadmap."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "tui.json").exists():
        (home / "tui.json").write_text('{"welcomed": true}', encoding="utf-8")
    first = [sys.executable, str(script)] if script else [sys.executable, "-m", "agentlab"]
    return ["env", f"AGENTLAB_HOME={home}", *first, *arguments]
