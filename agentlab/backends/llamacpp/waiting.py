"""How threads that evaluate wait for each other: spinning on a quiet machine, asleep on a busy one.

A token is hundreds of short parts that all threads do together, and a thread that is done with its
part waits for the others. Alone on two cores, threads that sleep at once write 0.2 to 1.1 times as
much as one thread would, since being woken takes longer than the part; those that first spin for
some tens of microseconds (`SPIN`) write 2 times as much. On a processor that others want as well,
each turn of spinning is time taken from the very thread that is waited for: two such models beside
each other wrote 0.2 times as much as two that sleep (`benchmarks/threads.py`).

So the way follows what the system counts: how long threads of this process were ready to run, and
waited for a processor. On a quiet machine that is less than a tenth of the time in either way, and
beside others more than half; background work of low priority, which yields, does not count.

GNU's OpenMP reads once, as it is loaded, how long threads spin, but keeps a second number, for when
it has more threads in a process than there are processors to run them; with OMP_WAIT_POLICY=passive
that number is zero (libgomp's manual, "GOMP_SPINCOUNT"). What makes them sleep is therefore a team
of threads too many, which does nothing, and is let go when the machine is quiet again. What the
user has set stays as it is, and so does another OpenMP.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SPIN = "3000"
"""GOMP_SPINCOUNT: turns a waiting thread makes before it sleeps."""

_SETTINGS = {"GOMP_SPINCOUNT": SPIN, "OMP_WAIT_POLICY": "passive"}
_EVERY = 0.2
"""Seconds between two looks, of which one takes about 0.2 ms."""
_MUCH, _LITTLE = 0.35, 0.25
"""Seconds that threads waited for a processor, in one: with more they sleep, with less they spin;
between the two they go on as they do."""
_MOST = 32
"""Processors beyond which all is left as it is: others seldom want them all, and a team would be
that many threads, where a container may allow but a hundred or two."""


@contextmanager
def settled() -> Generator[None]:
    """While the library is loaded, which reads it once. What the user has set stays.

    Afterwards the environment is as it was: a training that is started from here sleeps.
    """
    if any(name in os.environ for name in _SETTINGS):
        yield
        return
    os.environ.update(_SETTINGS)
    try:
        yield
    finally:
        for name in _SETTINGS:
            os.environ.pop(name, None)


class Team:
    """Threads too many for the processors: while they are there, all threads wait asleep."""

    def __init__(self, library: Path) -> None:
        self._openmp = ctypes.CDLL(str(library))
        # any function of the C library that does nothing
        self._nothing = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)
        self._size = len(os.sched_getaffinity(0)) + 1
        self._over: threading.Event | None = None

    @property
    def there(self) -> bool:
        """Whether threads wait asleep."""
        return self._over is not None

    def call(self) -> None:
        """From now on they sleep."""
        ready, self._over = threading.Event(), threading.Event()
        threading.Thread(
            target=self._stay, args=(ready, self._over), name="team", daemon=True
        ).start()
        ready.wait()

    def dismiss(self) -> None:
        """From now on they spin."""
        if self._over is not None:
            self._over.set()
            self._over = None

    def _stay(self, ready: threading.Event, over: threading.Event) -> None:
        # a team is bound to the thread that called it, and is gone with it
        self._openmp.GOMP_parallel(self._nothing, None, self._size, 0)
        ready.set()
        over.wait()


class Delay:
    """How long threads of this process were ready, and waited for a processor."""

    def __init__(self, tasks: Path = Path("/proc/self/task")) -> None:
        self._tasks = tasks
        self._seen = (time.monotonic(), self._counted())

    @property
    def age(self) -> float:
        """Seconds since the last look."""
        return time.monotonic() - self._seen[0]

    def share(self) -> float:
        """Seconds of waiting in a second, over all threads, since the last look."""
        before, self._seen = self._seen, (time.monotonic(), self._counted())
        return (self._seen[1] - before[1]) / (self._seen[0] - before[0])

    def _counted(self) -> float:
        """Seconds in all, of the threads there are.

        Raises:
            OSError: the system does not count this.
        """
        counted, threads = 0, list(self._tasks.iterdir())
        for thread in threads:
            try:
                _ran, waited, _turns = (thread / "schedstat").read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                if len(threads) == 1:
                    raise
                continue  # it has just ended
            counted += int(waited)
        return counted / 1e9


class Follower:
    """Has threads sleep while others want the processors."""

    def __init__(self, team: Team, delay: Delay) -> None:
        self._team, self._delay, self._lock = team, delay, threading.Lock()

    def suit(self) -> None:
        """Look, if it is time to, and change the way if it is no longer the right one."""
        if self._delay.age < _EVERY or not self._lock.acquire(blocking=False):
            return
        try:
            try:
                share = self._delay.share()
            except OSError:
                return  # not worth ending an evaluation for
            if share > _MUCH and not self._team.there:
                self._team.call()
            elif share < _LITTLE and self._team.there:
                self._team.dismiss()
        finally:
            self._lock.release()


_followers: list[Follower | None] = []


def suit() -> None:
    """Before several threads evaluate: have them wait as suits the machine now."""
    if not _followers:
        _followers.append(_follower())
    if _followers[0] is not None:
        _followers[0].suit()


def _follower() -> Follower | None:
    """None where the user has chosen, there are many processors, or no OpenMP of GNU's."""
    if any(name in os.environ for name in _SETTINGS):
        return None
    try:
        if len(os.sched_getaffinity(0)) > _MOST:
            return None
        return Follower(Team(_library()), Delay())
    except (OSError, ValueError, AttributeError):
        return None


def _library() -> Path:
    """The OpenMP in this process.

    Raises:
        OSError: there is no list of what is loaded, or no such library in it.
    """
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        path = Path(line.partition("/")[2] and "/" + line.partition("/")[2])
        if path.name.startswith("libgomp"):
            return path
    raise FileNotFoundError("libgomp")
