"""Processes known for certain: numbers are used again, so each goes with a mark of its own."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path


def mark_of(pid: int) -> str | None:
    """What tells this process from every other one that had or will have its number.

    On Linux the boot and the tick at which it began, else the moment. None if there is no such
    process, or only what is left of it once it has ended (a zombie).
    """
    if sys.platform == "linux":
        try:
            # the name, in brackets, may hold anything; what follows it is numbers
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        return None if fields[0] in "ZX" else f"{boot} {fields[19]}"
    import psutil  # only where there is no /proc

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.3f}"
    except psutil.Error:
        return None


def is_alive(pid: int, mark: str) -> bool:
    """Whether this very process still runs."""
    return mark_of(pid) == mark


def send(pid: int, mark: str, number: signal.Signals) -> bool:
    """Send a signal to this very process; False if it is gone."""
    if hasattr(os, "pidfd_open"):  # holds on to the process, so its number can't change hands
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            if not is_alive(pid, mark):
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True
    if not is_alive(pid, mark):
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def kill_session(pid: int, mark: str) -> None:
    """Kill the process and all that it started, if it still runs."""
    if is_alive(pid, mark):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def resident_bytes(pid: int) -> int:
    """Memory in use by a process and by all that it started, in bytes; 0 if it is gone.

    What they share is counted once a process.
    """
    import psutil  # used by jobs with a memory limit

    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += each.memory_info().rss
    return total
