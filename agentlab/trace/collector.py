"""Reading many values at once, all of which are kept."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_collector() -> Generator[None]:
    """Without the garbage collector, which would look at each of them, again and again, in vain."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            if not gc.get_freeze_count():
                # by way of the frozen ones, everything becomes old without being looked at
                gc.freeze()
                gc.unfreeze()
            gc.enable()
