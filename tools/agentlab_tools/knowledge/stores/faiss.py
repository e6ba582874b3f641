"""Chunks in SQLite with a FAISS index beside them: a folder that is searched exactly, in memory.

SQLite holds everything, vectors among it, and is what counts. The index file is a snapshot that
saves time: it is replaced as a whole, and what it lacks or has too much is put right when it is
read, so a process may be killed at any moment. Numbers (`n`) are never given twice, so the numbers
in the snapshot and in SQLite tell what changed. Another process's changes are seen at the next
search.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError, MissingExtra
from agentlab.messages import clean
from agentlab.private import private_file, private_folder
from agentlab_tools.knowledge.stores.readonly import is_read_only, open_sqlite
from agentlab_tools.knowledge.stores.records import (
    checked,
    condition,
    dump,
    field_rows,
    identity_of,
    load,
    query_vector,
    settled,
)
from agentlab_tools.knowledge.types import Chunk, Identity, Match, Where

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

FILE = "chunks.sqlite"
"""By which a folder is seen to be this store's."""

_SNAPSHOT = "vectors.faiss"
_STALE = 10_000
"""So many changes since the last snapshot, and a quarter of all, bring about a new one."""

_TABLES = """
CREATE TABLE IF NOT EXISTS about (model TEXT, dimensions INTEGER);
CREATE TABLE IF NOT EXISTS chunks (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, text TEXT, record TEXT, vector BLOB);
CREATE TABLE IF NOT EXISTS fields (n INTEGER, name TEXT, text TEXT, number REAL, flag INTEGER);
CREATE INDEX IF NOT EXISTS of_chunk ON fields (n);
CREATE INDEX IF NOT EXISTS by_text ON fields (name, text);
CREATE INDEX IF NOT EXISTS by_number ON fields (name, number);
"""


class FaissStore:
    """A collection in a folder. Safe to use from several threads."""

    def __init__(self, path: Path, identity: Identity | None) -> None:
        try:
            import faiss  # loads a library of its own
        except ModuleNotFoundError as error:
            raise MissingExtra("FAISS", "knowledge") from error
        if identity is None and not (path / FILE).exists():
            settled(str(path), None, None)
        self._faiss: Any = faiss
        # One query at a time gains nothing from a second thread, and waits for it on a busy machine
        self._faiss.omp_set_num_threads(1)
        self._path = path
        self._lock = RLock()
        private_folder(path)
        try:
            self._read_only = is_read_only(path)
            if self._read_only:
                self._db = open_sqlite(path / FILE)
            else:
                if not (path / FILE).exists():
                    private_file(path / FILE)
                self._db = sqlite3.connect(
                    path / FILE, isolation_level=None, check_same_thread=False, timeout=60
                )
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.executescript(_TABLES)
            self._identity = self._settle(identity)
            self._index = self._read_snapshot()
            self._changed = 0
            self._seen = -1
            self._refresh()
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"the index at {path} can't be opened: {error}") from error

    def _settle(self, wanted: Identity | None) -> Identity:
        if self._read_only:
            row = self._db.execute("SELECT model, dimensions FROM about").fetchone()
            return settled(str(self._path), identity_of(row), wanted)
        with self._writing():
            row = self._db.execute("SELECT model, dimensions FROM about").fetchone()
            identity = settled(str(self._path), identity_of(row), wanted)
            if row is None:
                about = (identity.model, identity.dimensions)
                self._db.execute("INSERT INTO about VALUES (?, ?)", about)
        return identity

    @property
    def identity(self) -> Identity:
        """The embedder whose vectors it holds."""
        return self._identity

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add or replace chunks; on disk when this returns, all or none."""
        chunks, vectors = checked(chunks, vectors, self._identity)
        with self._lock:
            with self._writing():
                self._remove([chunk.id for chunk in chunks])
                first = self._next()
                numbered = list(enumerate(chunks, first))
                rows = zip(numbered, vectors, strict=True)
                self._db.executemany(
                    "INSERT INTO chunks VALUES (?, ?, ?, ?, ?)",
                    [(n, c.id, c.text, dump(c), vector.tobytes()) for (n, c), vector in rows],
                )
                self._db.executemany(
                    "INSERT INTO fields VALUES (?, ?, ?, ?, ?)", field_rows(numbered)
                )
            self._refresh()

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks, all or none."""
        with self._lock:
            with self._writing():
                self._remove(list(map(clean, ids)))
            self._refresh()

    def _remove(self, ids: list[str]) -> None:
        rows = [(id,) for id in ids]
        self._db.executemany(
            "DELETE FROM fields WHERE n = (SELECT n FROM chunks WHERE id = ?)", rows
        )
        self._db.executemany("DELETE FROM chunks WHERE id = ?", rows)
        self._seen = -1

    def _next(self) -> int:
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
        return 1 + (row[0] if row else 0)

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[Match]:
        """The nearest chunks of all, best first."""
        vector = query_vector(vector, self._identity)
        with self._lock:
            self._refresh()
            k = min(k, self._index.ntotal)
            if k < 1:
                return []
            scores, ns = self._index.search(vector[None], k, params=self._among(where))
            found = [(int(n), float(s)) for n, s in zip(ns[0], scores[0], strict=True) if n >= 0]
            chunks = self._chunks("n", [n for n, _ in found])
        return [Match(chunk=chunks[n], score=score) for n, score in found]

    def _among(self, where: Where | None) -> Any:
        if not where:
            return None
        clause, values = condition(where)
        ns = self._db.execute(f"SELECT n FROM chunks WHERE {clause}", values).fetchall()  # noqa: S608 - the clause is made of constants
        among = self._faiss.IDSelectorBatch([n for (n,) in ns])
        return self._faiss.SearchParameters(sel=among)

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """The chunks with these ids, in that order."""
        wanted = list(map(clean, ids))
        with self._lock:
            found = self._chunks("id", wanted)
        return [found[id] for id in wanted if id in found]

    def _chunks(self, column: str, wanted: Sequence[object]) -> dict[Any, Chunk]:
        found: dict[Any, Chunk] = {}
        for key, id, text, record in self._rows(f"{column}, id, text, record", column, wanted):
            found[key] = load(id, text, record)
        return found

    def _rows(self, columns: str, by: str, wanted: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        for begin in range(0, len(wanted), 500):
            part = wanted[begin : begin + 500]
            marks = ", ".join("?" * len(part))
            yield from self._db.execute(
                f"SELECT {columns} FROM chunks WHERE {by} IN ({marks})",  # noqa: S608 - constants
                part,
            )

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The vectors of these ids, in that order."""
        import numpy as np

        wanted = list(map(clean, ids))
        with self._lock:
            found = dict(self._rows("id, vector", "id", wanted))
        out = np.empty((len(wanted), self._identity.dimensions), np.float32)
        for row, id in enumerate(wanted):
            out[row] = np.frombuffer(found[id], np.float32)
        return out

    def ids(self, where: Where | None = None) -> list[str]:
        """The ids of all chunks that match."""
        clause, values = condition(where)
        with self._lock:
            rows = self._db.execute(
                f"SELECT id FROM chunks WHERE {clause} ORDER BY n",  # noqa: S608 - constants
                values,
            ).fetchall()
        return [id for (id,) in rows]

    def count(self) -> int:
        """The number of chunks."""
        with self._lock:
            return self._db.execute("SELECT count(*) FROM chunks").fetchone()[0]

    def close(self) -> None:
        """Save the index, and let go of the files."""
        with self._lock:
            if self._changed:
                self._save_snapshot()
            self._db.close()

    @contextmanager
    def _writing(self) -> Generator[None]:
        if self._read_only:
            raise ConfigError("this index is read-only: it can be searched, and not changed")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _refresh(self) -> None:
        """Bring the index to what SQLite holds now."""
        import numpy as np

        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version == self._seen:
            return
        have = self._faiss.vector_to_array(self._index.id_map)
        rows = self._db.execute("SELECT n FROM chunks").fetchall()
        want = np.fromiter((n for (n,) in rows), np.int64, len(rows))
        gone = np.setdiff1d(have, want, assume_unique=True)
        if len(gone):
            self._index.remove_ids(gone)
        new = np.setdiff1d(want, have, assume_unique=True)
        for begin in range(0, len(new), 5000):
            part = new[begin : begin + 5000]
            found = dict(self._rows("n, vector", "n", part.tolist()))
            vectors = np.frombuffer(b"".join(found.values()), np.float32)
            self._index.add_with_ids(
                vectors.reshape(len(found), -1), np.fromiter(found, np.int64, len(found))
            )
        self._seen = version
        self._changed += len(gone) + len(new)
        if self._changed >= max(_STALE, self._index.ntotal // 4):
            self._save_snapshot()

    def _read_snapshot(self) -> Any:
        faiss = self._faiss
        try:
            index = faiss.read_index(str(self._path / _SNAPSHOT))
        except RuntimeError:  # none, or not one of this version: it is made anew
            index = None
        if index is None or index.d != self._identity.dimensions:
            return faiss.IndexIDMap2(faiss.IndexFlatIP(self._identity.dimensions))
        return index

    def _save_snapshot(self) -> None:
        if self._read_only:
            return
        whole = self._path / _SNAPSHOT
        part = self._path / f"{_SNAPSHOT}.{os.getpid()}"
        self._faiss.write_index(self._index, str(private_file(part)))
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(whole)
        self._changed = 0
