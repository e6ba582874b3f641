"""An index of a folder of runs: what SQL would make of its files, kept so that it is made once.

It lies in `.index/` in the folder itself, and is never the truth. Each query looks at the stamp of
every file; rows of a file that changed or went are left out, and what is new is read as if there
were no index. Once that is much, the next query writes a new index in the place of the old one,
which is never changed: so nobody waits for anybody, and a crash leaves what was there before.

What people, models and tools said stays in the runs' own files, of which the index would otherwise
be a second copy (0.8 of their size, against 0.03): a query that asks for it has it read from there.

Nobody else's index is believed. It is a file of this user's alone, under a name that tells what
made it and which file of the disk it is: one that came in an archive, or was copied along with its
folder, is another file, and is not opened.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from agentlab.regular import read_regular
from agentlab.trace.stamps import Stamps, name_of, stamp
from agentlab.trace.views import DEFINED, MADE_OF_FILES, TEXTS, quoted, take_in

FOLDER: Final = ".index"
SUFFIX: Final = ".duckdb"
LEFT_OUT: Final = {"moments": ("event",), "calls": ("arguments", "content")}
"""Columns that are not kept."""
STAMPS: Final = "CREATE TABLE stamps (joined BLOB)"
_LAID_OUT: Final = 1
"""Changes when an index is written or read otherwise, though its rows are made as before."""
_READ_AGAIN = """
CREATE MACRO event_at(file_no, place) AS
    CASE WHEN place IS NOT NULL THEN from_json(line_at(file_no, place), '{"event":"JSON"}').event
    END;
"""
_ADDED = {
    "moments": ", event_at(file_no, place) AS event",
    "calls": ", arguments_of(event_at(file_no, begun_at)) AS arguments"
    ", content_of(event_at(file_no, done_at)) AS content",
}


class Unusable(Exception):
    """There is no index, or it can't be used: what is asked must be read from the files."""


@dataclass(frozen=True)
class Index:
    """An index, and the stamps of the files as they were when it read them.

    The number of a file is its place among the stamps; an empty one is of a file that is gone.
    """

    path: Path
    stamps: tuple[bytes, ...]

    @cached_property
    def known(self) -> frozenset[bytes]:
        """The stamps, to find one among them."""
        return frozenset(filter(None, self.stamps))

    def gone(self, now: Stamps) -> list[int]:
        """The numbers of files that have changed since, or are no longer there."""
        lost = self.known - now.all
        if not lost:
            return []
        return [number for number, stamp in enumerate(self.stamps) if stamp in lost]


def find(db: Any, folder: Path) -> Index | None:
    """Attach the index of a folder, as `kept`, for reading only. None where none can be used."""
    import duckdb

    for path in _candidates(folder / FOLDER):
        with suppress(duckdb.Error):
            db.execute(f"ATTACH {quoted(str(path))} AS kept (READ_ONLY)")
            try:
                [(joined,)] = db.execute("SELECT joined FROM kept.stamps").fetchall()
                return Index(path, tuple(joined.split(b"\0")))
            except BaseException:
                db.execute("DETACH kept")
                raise
    return None


def name_for(file: Path) -> str:
    """What an index is called that was written to this file by this version."""
    return f"{version()}-{file.stat().st_ino:x}{SUFFIX}"


@lru_cache(maxsize=1)
def version() -> str:
    """What made an index: the same definitions by the same DuckDB."""
    import duckdb

    made = f"{_LAID_OUT} {duckdb.__version__} {MADE_OF_FILES} {LEFT_OUT} {DEFINED}"
    return hashlib.sha256(made.encode()).hexdigest()[:12]


def is_own(status: os.stat_result) -> bool:
    """Whether it belongs to this user, and nobody else may write it."""
    user = getattr(os, "geteuid", None)  # not on every system
    return user is None or (status.st_uid == user() and not status.st_mode & 0o022)


def overlay(db: Any, folder: Path, index: Index, now: Stamps) -> Lines:
    """Make `MADE_OF_FILES` of the attached index, and of the files that it does not know.

    Returns: what reads the files again for a query that asks what was said.

    Raises:
        duckdb.Error: the index, or a file, can't be taken in.
    """
    lines = Lines(folder, index)
    db.create_function("line_at", lines.at, ["INTEGER", "BIGINT"], "VARCHAR")
    db.execute(TEXTS + _READ_AGAIN)
    gone = index.gone(now)
    if gone:
        db.execute("CREATE TABLE gone AS SELECT unnest($gone) AS file_no", {"gone": gone})
    fresh = sorted(now.all - index.known)
    if fresh:
        db.execute("CREATE SCHEMA fresh; USE fresh")
        take_in(db, folder, dict(enumerate(map(name_of, fresh))))
        db.execute("USE memory.main")
    for view in MADE_OF_FILES:
        kept = f"SELECT *{_ADDED.get(view, '')} FROM kept.{view}"  # noqa: S608 - constants
        kept += " ANTI JOIN gone USING (file_no)" if gone else ""
        new = f" UNION ALL BY NAME SELECT * FROM fresh.{view}" if fresh else ""  # noqa: S608
        db.execute(f"CREATE VIEW {view} AS {kept}{new}")
    return lines


class Lines:
    """The lines of runs, read again from the files that an index was made of."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.failed = False
        """Whether a file was no longer as it had been. Then no answer holds."""
        self._folder = folder
        self._index = index
        self._data = lru_cache(maxsize=8)(self._read)  # a thread of DuckDB reads file by file

    def at(self, number: int, place: int) -> str:
        """The line of a file that begins at this byte.

        Raises:
            Unusable: the file is not as it was.
        """
        try:
            data = self._data(number)
            return data[place : data.index(b"\n", place)].decode()
        except (OSError, ValueError, IndexError) as error:
            self.failed = True
            raise Unusable from error

    def _read(self, number: int) -> bytes:
        before = self._index.stamps[number]
        name = name_of(before)
        data = read_regular(self._folder / name)
        if stamp(self._folder, name) != before:
            raise ValueError(f"{name} has changed")
        return data


def _candidates(place: Path) -> Iterator[Path]:
    """Files that may be an index written here by this user, the newest first."""
    with suppress(OSError):
        status = place.lstat()
        if not stat.S_ISDIR(status.st_mode) or not is_own(status):
            return
        times: dict[Path, int] = {}
        for path in place.glob(f"{version()}-*{SUFFIX}"):
            status = path.lstat()
            plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and is_own(status)
            if plain and path.name == name_for(path):
                times[path] = status.st_mtime_ns
        yield from sorted(times, key=lambda path: times[path], reverse=True)
