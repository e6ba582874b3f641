"""Keeps a job within its limits, from a thread beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread

from agentlab_tools.train.jobs.job import JobLimits
from agentlab_tools.train.jobs.pids import resident_bytes

GRACE = 60.0
"""Seconds a job has to write its checkpoint once its time is up."""
_LOOK = 0.1


class Overseer:
    """Asks a job to stop when its time is up, and ends it where it takes too much.

    Args:
        stop: set when the time is up; `reason` then says so.
        end: called with the reason when the job must end at once; it must not return.
    """

    def __init__(self, limits: JobLimits, stop: Flag, end: Callable[[str], None]) -> None:
        self.reason = ""
        self._limits = limits
        self._stop = stop
        self._end = end

    def start(self) -> None:
        """Watch until the process ends."""
        if self._limits.seconds is not None or self._limits.memory is not None:
            Thread(target=self._watch, daemon=True, name="agentlab-watchdog").start()

    def _watch(self) -> None:
        begun, pid = time.monotonic(), os.getpid()
        limits = self._limits
        while True:
            time.sleep(_LOOK)
            spent = time.monotonic() - begun
            if limits.seconds is not None and spent > limits.seconds:
                self.reason = f"the time limit of {limits.seconds:g} s was reached"
                self._stop.set()
                if spent > limits.seconds + GRACE:
                    self._end(f"{self.reason}, and the recipe did not stop within {GRACE:g} s")
            if limits.memory is not None and (used := resident_bytes(pid)) > limits.memory:
                self._end(
                    f"it took {used / 2**20:,.0f} MB of memory; the limit is "
                    f"{limits.memory / 2**20:,.0f} MB. Use smaller batches, or a higher limit"
                )
