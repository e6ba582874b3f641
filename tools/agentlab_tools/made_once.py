"""What takes a while to make and comes out the same: made once, and kept for the next time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from weakref import WeakKeyDictionary

from agentlab.places.home import home

_making: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""By event loop, since a lock serves but one."""
_made: dict[str, bytes] = {}


async def made_once(name: str, told: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
    """What `make` returns, from `cache` in AGENTLAB_HOME where it was made before.

    Where it can't be kept there, it is kept as long as the process lives.

    Args:
        name: of the file, such as `m4-music.npz`.
        told: all that decides what comes out.
    """
    stem, dot, ending = name.partition(".")
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    file = home() / "cache" / f"{stem}-{digest}{dot}{ending}"
    async with _making.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        if file.name not in _made:
            with suppress(OSError):
                _made[file.name] = await asyncio.to_thread(file.read_bytes)
        if file.name not in _made:
            _made[file.name] = await make()
            with suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_suffix(".part")
                part.write_bytes(_made[file.name])
                part.replace(file)
    return _made[file.name]
