"""What lies in a folder of runs, and what shows that a file has changed since it was read.

A stamp is `name/size/modified/changed/inode`, times in nanoseconds; `results/` stands before the
name of a file of results. The time of the last change of any kind is the system's own: unlike the
time of modification, it can't be set back. Names are bytes, as file systems keep them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from agentlab.trace.reading import SUFFIX

QUIET = 3.0
"""Seconds since its last change after which a file's next one surely shows: clocks have ticks."""

_RESULTS = b"results/"
_END = os.fsencode(SUFFIX)
_OPENING = 8 << 10
"""Bytes that can be read in the time it takes to open a file."""


@dataclass(frozen=True)
class Stamps:
    """What a folder holds. `cost` is what reading all of it takes, in bytes read."""

    runs: tuple[bytes, ...]
    results: tuple[bytes, ...]
    cost: int

    @cached_property
    def all(self) -> frozenset[bytes]:
        """Those of runs and of results."""
        return frozenset(self.runs).union(self.results)


def stamped(folder: Path) -> Stamps:
    """The stamps of the traces in a folder, and of the results beside them, in no order.

    What can't be looked at (a link to nothing) has a stamp of zeros.
    """
    place = os.fsencode(folder)
    runs, size = _stamps(place, b"")
    results, more = _stamps(os.fsencode(folder / "results"), _RESULTS)
    return Stamps(runs, results, size + more + _OPENING * (len(runs) + len(results)))


def stamp(folder: Path, name: str) -> bytes:
    """The stamp of one file.

    Raises:
        OSError: it is not there.
    """
    return _stamp(os.fsencode(name), (folder / name).stat())


def name_of(stamp: bytes) -> str:
    """The path of the file below its folder."""
    return os.fsdecode(stamp.rsplit(b"/", 4)[0])


def cost(stamps: Iterable[bytes]) -> int:
    """What it takes to read these files, in bytes read."""
    return sum(_OPENING + int(stamp.rsplit(b"/", 4)[1]) for stamp in stamps)


def quiet(stamps: Iterable[bytes]) -> list[bytes]:
    """Those of files that were left alone for `QUIET` seconds, and whose names are text."""
    latest = time.time_ns() - int(QUIET * 1e9)
    return [s for s in stamps if int(s.rsplit(b"/", 4)[3]) <= latest and _is_text(s)]


def _stamps(place: bytes, before: bytes) -> tuple[tuple[bytes, ...], int]:
    """The stamps of a folder's files, and the bytes in them. A loop that may see 100,000 files."""
    stamps: list[bytes] = []
    size = 0
    with suppress(OSError), os.scandir(place) as entries:  # no folder, or somebody else's
        for entry in entries:
            if entry.name.endswith(_END):
                try:
                    status = entry.stat()
                except OSError:
                    stamps.append(b"%b/0/0/0/0" % (before + entry.name))
                    continue
                stamps.append(_stamp(before + entry.name, status))
                size += status.st_size
    return tuple(stamps), size


def _stamp(name: bytes, status: os.stat_result) -> bytes:
    return b"%b/%d/%d/%d/%d" % (
        name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    )  # fmt: skip


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
