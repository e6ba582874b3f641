"""How many runs are at work at once: each holds its trace open, and a process has so many files."""

from __future__ import annotations

import asyncio
from typing import TypeAlias
from weakref import WeakKeyDictionary

_UNBOUNDED = 4096
_Levels: TypeAlias = dict[int, asyncio.Semaphore]
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, _Levels] = WeakKeyDictionary()


def slots(depth: int) -> asyncio.Semaphore:
    """Of the runs of this event loop: who holds it is at work, the others wait for their turn.

    Runs that are a part of others have their own, at each depth half as many: a run never waits
    for one that waits for it. In all they take half of the files that the process may have open;
    the rest is for connections.
    """
    levels = _slots.setdefault(asyncio.get_running_loop(), {})
    if depth not in levels:
        levels[depth] = asyncio.Semaphore(max(1, _files() >> (depth + 2)))
    return levels[depth]


def _files() -> int:
    """How many files this process may have open."""
    try:
        import resource  # not on every system
    except ImportError:
        return _UNBOUNDED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNBOUNDED if soft == resource.RLIM_INFINITY else min(soft, _UNBOUNDED)
