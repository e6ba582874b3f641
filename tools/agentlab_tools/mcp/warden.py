"""Runs a program for as long as whoever started this lives, and leaves nothing of it behind.

    python warden.py PARENT PROGRAM ARGUMENT…

The program has our stdin, stdout and stderr to itself. When it ends, when we are told to end, or
when the process with the id PARENT is gone, however it went, everything in our process group ends.
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


def main(parent: int, command: list[str]) -> NoReturn:
    """Start the program, wait for its end or ours, and end the group."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    if sys.platform == "linux":
        import ctypes  # not on every system

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)
    for descriptor in (0, 1):  # held by the program alone, so that its end is seen
        os.close(descriptor)
    try:
        child.wait()
    except SystemExit:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
    os.killpg(0, signal.SIGKILL)
    sys.exit(1)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_AGAIN)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
