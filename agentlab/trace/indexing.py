"""Writing the index of a folder of runs. See `agentlab.trace.index`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agentlab.private import FILE_MODE, private_folder
from agentlab.trace.index import FOLDER, LEFT_OUT, STAMPS, SUFFIX, Index, is_own, name_for
from agentlab.trace.stamps import cost, name_of
from agentlab.trace.views import MADE_OF_FILES, quoted, take_in

_BATCH = 64 << 20
"""What reading the files of one batch may cost: they are in memory at once."""
_PART = "part-"


def write(folder: Path, index: Index | None, fresh: Sequence[bytes], gone: Sequence[int]) -> None:
    """Write the index of a folder: the one that is there without what is gone, and what is new.

    Raises:
        OSError: the folder can't be written, is not this user's, or an index of it is being written
            at this moment.
        duckdb.Error: DuckDB can't write it.
    """
    place = private_folder(folder / FOLDER)
    if place.is_symlink() or not is_own(place.lstat()):
        raise PermissionError(f"{place} is somebody else's")
    with _alone(place), _part(place) as part:
        file = part / f"index{SUFFIX}"
        if index is not None:
            shutil.copyfile(index.path, file)
        _fill(file, folder, index, fresh, gone)
        file.chmod(FILE_MODE)
        name = name_for(file)
        file.rename(place / name)
        _clear(place, (name, part.name))


def _fill(
    file: Path, folder: Path, index: Index | None, fresh: Sequence[bytes], gone: Sequence[int]
) -> None:
    import duckdb

    stamps = list(index.stamps) if index is not None else []
    with duckdb.connect(":memory:") as db:
        db.execute(f"ATTACH {quoted(str(file))} AS kept")
        if index is None:
            db.execute(f"USE kept; {STAMPS}; USE memory.main")
        for view in MADE_OF_FILES if gone else ():
            db.execute(f"DELETE FROM kept.{view} WHERE file_no IN (SELECT unnest($1))", [gone])  # noqa: S608 - constants
        for number in gone:
            stamps[number] = b""
        for batch in _batches(sorted(fresh)):
            _add(db, folder, dict(enumerate(map(name_of, batch), len(stamps))))
            stamps += batch
        db.execute("DELETE FROM kept.stamps")
        db.execute("INSERT INTO kept.stamps VALUES ($1)", [b"\0".join(stamps)])
        db.execute("CHECKPOINT kept; DETACH kept")


def _add(db: Any, folder: Path, files: dict[int, str]) -> None:
    """Add the rows of these files, which have these numbers."""
    db.execute("CREATE SCHEMA batch; USE batch")
    take_in(db, folder, files, places=True)
    for view in MADE_OF_FILES:
        left_out = f"EXCLUDE ({', '.join(LEFT_OUT[view])})" if view in LEFT_OUT else ""
        rows = f"SELECT * {left_out} FROM {view}"  # noqa: S608 - constants
        db.execute(f"CREATE TABLE IF NOT EXISTS kept.{view} AS {rows} LIMIT 0")
        db.execute(f"INSERT INTO kept.{view} {rows}")
    db.execute("USE memory.main; DROP SCHEMA batch CASCADE")


def _batches(stamps: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for stamp in stamps:
        batch.append(stamp)
        size += cost([stamp])
        if size > _BATCH:
            yield batch
            batch, size = [], 0
    yield batch  # if only an empty one: it makes the tables


@contextmanager
def _alone(place: Path) -> Generator[None]:
    """Keep other writers out; the system lets go when this process ends, however it ends."""
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    lock = os.open(place / "lock", flags, FILE_MODE)
    try:
        if sys.platform != "win32":
            import fcntl  # not on every system

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


@contextmanager
def _part(place: Path) -> Generator[Path]:
    """A folder for what is not whole yet. DuckDB asks no mode, so nobody else may look inside."""
    part = Path(tempfile.mkdtemp(prefix=_PART, dir=place))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _clear(place: Path, kept: Sequence[str]) -> None:
    """Remove indexes that no longer count, and what writers left that were killed."""
    for path in place.iterdir():
        if path.name in kept:
            continue
        if path.name.startswith(_PART):
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == SUFFIX:
            with suppress(OSError):  # being read, on systems where that keeps a file
                path.unlink()
