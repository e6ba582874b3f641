"""What a tool prints belongs to its call, not to the terminal it would tear up.

`sys.stdout` is one for the whole process, but tools run side by side, so while any is at work it is
replaced by a switch that sends each write to the tool (by context variable) that made it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any, TextIO

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("agentlab_stdout", default=None)
_lock = Lock()


class _Switch(io.TextIOBase):
    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal
        self.at_work = 0

    def write(self, s: str, /) -> int:
        listener = _listener.get()
        if listener is None:
            return self.terminal.write(s)
        listener(s)
        return len(s)

    def flush(self) -> None:
        if _listener.get() is None:
            self.terminal.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return _listener.get() is None and self.terminal.isatty()

    def fileno(self) -> int:
        return self.terminal.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.terminal.encoding

    def __getattr__(self, name: str) -> Any:
        # `buffer`, `reconfigure` and the like: others in this process may need them meanwhile
        return getattr(self.terminal, name)


@contextmanager
def captured(listener: Callable[[str], None]) -> Generator[None]:
    """Send what is printed in this context, and in threads started from it, to `listener`."""
    with _lock:
        # looked at each time: somebody may have put another stream in the place of the switch
        switch = sys.stdout if isinstance(sys.stdout, _Switch) else _Switch(sys.stdout)
        switch.at_work += 1
        sys.stdout = switch
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
        with _lock:
            switch.at_work -= 1
            if switch.at_work == 0 and sys.stdout is switch:
                sys.stdout = switch.terminal
