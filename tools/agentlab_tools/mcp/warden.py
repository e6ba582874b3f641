"""Runs a program for as long as whoever started this lives, and leaves nothing of it behind.

    python warden.py PARENT PROGRAM ARGUMENT…

The program has our stdin and stderr to itself; what it writes to stdout passes through here, so
that a line without end can't fill its reader's memory. When it ends, when it writes such a line,
when we are told to end, or when the process with the id PARENT is gone, however it went, everything
in our process group ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_GRACE = 1.5
_LOOK_AGAIN = 0.5
_LONGEST = 64 << 20  # bytes of a line: a picture in an answer has room


def main(parent: int, command: list[str]) -> NoReturn:
    """Start the program, wait for its end or ours, and end the group."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    if sys.platform == "linux":
        import ctypes  # not on every system

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    try:
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)
    os.close(0)  # held by the program alone, so that its end is seen
    assert child.stdout is not None
    passing = threading.Thread(target=_pass_on, args=(child.stdout.fileno(),), daemon=True)
    passing.start()
    try:
        child.wait()
        passing.join(_GRACE)  # what it wrote last
    except SystemExit:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
    os.killpg(0, signal.SIGKILL)
    sys.exit(1)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit


def _pass_on(source: int) -> None:
    """What the program writes, to our stdout in whole lines, which ends with it."""
    line: list[bytes] = []
    size = 0
    with suppress(OSError):
        while chunk := os.read(source, 1 << 16):
            line.append(chunk)
            size += len(chunk)
            if b"\n" in chunk:
                _write(line)
                size = 0
            elif size > _LONGEST:
                said = f"Error: it wrote a line of over {_LONGEST >> 20} MB to stdout"
                print(said, file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
                return
        _write(line)
    with suppress(OSError):
        os.close(1)


def _write(line: list[bytes]) -> None:
    text = memoryview(b"".join(line))
    line.clear()
    while text:
        text = text[os.write(1, text) :]


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_AGAIN)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
