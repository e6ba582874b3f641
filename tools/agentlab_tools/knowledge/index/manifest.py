"""Which files an index holds: one SQLite file beside the vectors.

A file is written down after its passages are on disk in the store, in one transaction. What a crash
leaves in the store before that is found by comparing the two (see `update`).
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentlab.errors import ConfigError
from agentlab.private import private_file, private_folder

FILE = "agentlab.sqlite3"
FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS roots (label TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    label TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, ids TEXT NOT NULL,
    PRIMARY KEY (label, name)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Entry:
    """A file that is indexed: a hash of what it held, and the ids of its passages."""

    name: str
    digest: str
    ids: tuple[str, ...]


class Manifest:
    """The list of files of one index.

    Args:
        folder: of the index; it is made where it is missing.

    Raises:
        ConfigError: the list is damaged, or a newer AgentLab wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        path = folder / FILE
        try:
            private_folder(folder)
            # tools run in threads; one at a time, so nothing is shared
            if not path.exists():
                private_file(path)
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
            if not self._db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                # looked at first, so that an index that may only be read can be opened
                self._db.executescript(_SCHEMA)
                self._db.execute("INSERT OR IGNORE INTO about VALUES ('format', ?)", (str(FORMAT),))
                self._db.commit()
            written = self.about("format")
        except (sqlite3.OperationalError, OSError) as error:
            raise ConfigError(f"the index at {folder} can't be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise ConfigError(
                f"the list of files {path} is damaged ({error}): delete the folder, index again"
            ) from error
        if written != str(FORMAT):
            raise ConfigError(f"{path} is in format {written}: install a newer agentlab-kit")

    def about(self, name: str) -> str | None:
        """What is noted of the index under a name."""
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, **values: str) -> None:
        """Note something of the index; what is noted already is not written again."""
        new = [(name, value) for name, value in values.items() if self.about(name) != value]
        if new:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", new)

    def roots(self) -> dict[str, Path]:
        """The folders that are indexed, by their labels."""
        rows = self._db.execute("SELECT label, path FROM roots ORDER BY label")
        return {str(label): Path(os.fsdecode(path)) for label, path in rows}

    def add_root(self, label: str, path: Path) -> None:
        """Note a folder, or where one of that label now is."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO roots VALUES (?, ?)", (label, os.fsencode(path))
            )

    def files(self, label: str) -> dict[str, Entry]:
        """The files of one folder, by name."""
        rows = self._db.execute("SELECT name, digest, ids FROM files WHERE label = ?", (label,))
        return {name: Entry(name, digest, tuple(json.loads(ids))) for name, digest, ids in rows}

    def ids(self) -> Iterator[str]:
        """The ids of all passages of all files."""
        for (ids,) in self._db.execute("SELECT ids FROM files"):
            yield from json.loads(ids)

    def count(self) -> int:
        """The number of files."""
        return int(self._db.execute("SELECT count(*) FROM files").fetchone()[0])

    def put(self, label: str, entries: Iterable[Entry]) -> None:
        """Write files down, all or none."""
        rows = [(label, e.name, e.digest, json.dumps(e.ids)) for e in entries]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)

    def remove(self, label: str, names: Iterable[str]) -> None:
        """Strike files off, all or none."""
        with self._db:
            self._db.executemany(
                "DELETE FROM files WHERE label = ? AND name = ?", [(label, n) for n in names]
            )

    @contextmanager
    def writing(self) -> Generator[None]:
        """Keep other writers out; the system lets go when this process ends, however it ends.

        Raises:
            ConfigError: another process is at work on this index.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            file = os.open(self._folder / "lock", flags, 0o600)
        except OSError as error:
            raise ConfigError(
                f"the index at {self._folder} can't be written: {error.strerror}"
            ) from error
        try:
            if sys.platform != "win32":
                import fcntl  # not on every system

                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise ConfigError(
                        f"another process is indexing into {self._folder}; wait for it"
                    ) from None
            yield
        except sqlite3.OperationalError as error:  # no space, no permission
            raise ConfigError(f"the index at {self._folder} can't be written: {error}") from error
        finally:
            os.close(file)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
