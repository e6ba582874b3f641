"""The process between the host and an interpreter that has no process namespace of its own.

Whatever the interpreter starts, however often it forks, is inherited by the warden, which is
outside of the lock: when the interpreter ends, or the host hangs up or dies, the warden kills all
of it and ends.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_CHILD_SUBREAPER = 36
_LINUX = sys.platform == "linux"


def main(channel: int, lifeline: int, folder: str) -> None:
    """Fork the interpreter and stand guard.

    Args:
        channel: the interpreter's private socket.
        lifeline: a pipe that the host holds open for as long as the interpreter may live.
        folder: removed, whatever it holds, if the host died and so can't.
    """
    if _LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.close(lifeline)
        from . import kernel  # the warden itself stays small

        kernel.main(channel)
        os._exit(0)
    os.close(channel)
    status = _guard(child, lifeline)
    _end_all(child)
    if not _host_lives(lifeline):
        from . import trees

        trees.remove(folder)
        os._exit(0)
    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def _host_lives(lifeline: int) -> bool:
    """Wait for the host's word, and say whether it came.

    An interpreter ends by itself when its host is killed, and may be reaped before the host's other
    descriptors are closed: its end alone says nothing about the host. A host that lives sends a
    byte as soon as it sees that the interpreter is gone, however long that takes.
    """
    try:
        return bool(os.read(lifeline, 1))
    except OSError:
        return False


def _guard(child: int, lifeline: int) -> int:
    """Wait for the child's end or the host's word, and reap orphans meanwhile.

    Returns the child's wait status: that of a kill, where it must be killed.
    """
    poll = select.poll()
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    if _LINUX:
        poll.register(os.pidfd_open(child), select.POLLIN)
    while True:
        hung_up = any(number == lifeline for number, _ in poll.poll(500 if _LINUX else 50))
        try:
            while (reaped := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if reaped[0] == child:
                    return reaped[1]
        except ChildProcessError:
            return 0
        if hung_up:
            return signal.SIGKILL


def _end_all(child: int) -> None:
    """Kill until nothing is left: first no process may fork any more, then none may live."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if _LINUX:
            family = _descendants(os.getpid())
            for pid in family:
                _try(lambda pid=pid: resource.prlimit(pid, resource.RLIMIT_NPROC, (0, 0)))
            for pid in family:
                _try(lambda pid=pid: os.kill(pid, signal.SIGKILL))
        else:
            _try(lambda: os.kill(child, signal.SIGKILL))
            _try(lambda: os.killpg(os.getpgid(child), 0))
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _descendants(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib costs a start 3 ms
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
    descendants: list[int] = []
    edge = {root}
    while edge:
        edge = {pid for pid, parent in parents.items() if parent in edge}
        descendants += edge
    return descendants


def _try(action: Callable[[], object]) -> None:
    with suppress(OSError):
        action()
