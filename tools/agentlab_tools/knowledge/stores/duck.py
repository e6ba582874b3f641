"""Chunks in DuckDB: vectors, metadata and full text in one file, searched exactly.

Every call is one transaction, so a process may be killed at any moment. DuckDB lets one process
at a time have the file.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from agentlab.errors import ConfigError, MissingExtra
from agentlab.messages import clean
from agentlab.private import FILE_MODE, private_folder
from agentlab_tools.knowledge.stores.readonly import is_read_only
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
from agentlab_tools.knowledge.stores.words import TABLES, Words, insert
from agentlab_tools.knowledge.types import Chunk, Identity, Match, Where

if TYPE_CHECKING:
    import duckdb

    from agentlab_tools.knowledge.types import Vectors

FILE = "chunks.duckdb"
"""By which a folder is seen to be this store's."""

_TABLES = """
CREATE TABLE IF NOT EXISTS about (model VARCHAR, dimensions INTEGER);
CREATE TABLE IF NOT EXISTS fields (
    n BIGINT, name VARCHAR, text VARCHAR, number DOUBLE, flag BOOLEAN);
"""


def connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file.

    Raises:
        ConfigError: another process has it, or it is damaged.
    """
    try:
        import duckdb  # loads a library of its own
    except ModuleNotFoundError as error:
        raise MissingExtra("DuckDB", "tools") from error
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        if "lock on file" in str(error):
            raise ConfigError(
                f"the index {path} is open in another process: wait for it, or stop it"
            ) from None
        raise ConfigError(f"the index {path} can't be opened: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it is damaged"])[0]


class DuckStore:
    """A collection in a folder. Safe to use from several threads."""

    def __init__(self, path: Path, identity: Identity | None) -> None:
        if identity is None and not (path / FILE).exists():
            settled(str(path), None, None)
        private_folder(path)
        self._lock = RLock()
        self._read_only = is_read_only(path)
        self._db = connect(path / FILE, read_only=self._read_only)
        with suppress(OSError):  # somebody else's, which may only be read
            (path / FILE).chmod(FILE_MODE)
        self._words = Words(self._db)
        try:
            if not self._read_only:
                self._db.execute(_TABLES + TABLES)
            rows = self._select("SELECT model, dimensions FROM about", [])
            row = rows[0] if rows else None
            self._identity = settled(str(path), identity_of(row), identity)
            self._vector = f"FLOAT[{self._identity.dimensions}]"
            if self._read_only:
                return
            with self._writing():
                if row is None:
                    about = [self._identity.model, self._identity.dimensions]
                    self._db.execute("INSERT INTO about VALUES (?, ?)", about)
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS chunks (n BIGINT, id VARCHAR, text VARCHAR, "
                    f"record VARCHAR, vector {self._vector})"
                )
        except BaseException:
            self._db.close()
            raise

    @property
    def identity(self) -> Identity:
        """The embedder whose vectors it holds."""
        return self._identity

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add or replace chunks; on disk when this returns, all or none."""
        chunks, vectors = checked(chunks, vectors, self._identity)
        if not chunks:
            return
        with self._lock, self._writing():
            self._remove([chunk.id for chunk in chunks])
            ((last,),) = self._select("SELECT coalesce(max(n), 0) FROM chunks", [])
            first = last + 1
            numbered = list(enumerate(chunks, first))
            batch = {
                "n": _column([n for n, _ in numbered], "int64"),
                "id": _column([c.id for c in chunks], "object"),
                "text": _column([c.text for c in chunks], "object"),
                "record": _column([dump(c) for c in chunks], "object"),
                "vector": _column(list(vectors), "object"),
            }
            insert(self._db, "chunks", batch, f"vector::{self._vector} AS vector")
            rows = field_rows(numbered)
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._db.execute(
                "INSERT INTO fields SELECT unnest($1::BIGINT[]), unnest($2::VARCHAR[]), "
                "unnest($3::VARCHAR[]), unnest($4::DOUBLE[]), unnest($5::BOOLEAN[])",
                columns,
            )
            self._words.add(numbered)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks, all or none."""
        with self._lock, self._writing():
            self._remove(list(map(clean, ids)))

    def _remove(self, ids: list[str]) -> None:
        rows = self._db.execute(
            "SELECT n FROM chunks WHERE id IN (SELECT unnest($1::VARCHAR[]))", [ids]
        ).fetchall()
        if not rows:
            return
        ns = [n for (n,) in rows]
        for table in ("chunks", "fields"):
            self._db.execute(
                f"DELETE FROM {table} WHERE n IN (SELECT unnest($1::BIGINT[]))",  # noqa: S608 - one of two constants
                [ns],
            )
        self._words.remove(ns)

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[Match]:
        """The nearest chunks of all, best first."""
        vector = query_vector(vector, self._identity)
        clause, values = condition(where)
        with self._lock:
            rows = self._db.execute(
                f"SELECT id, text, record, array_inner_product(vector, ?::{self._vector}) AS score "  # noqa: S608 - constants
                f"FROM chunks WHERE {clause} ORDER BY score DESC, n LIMIT ?",
                [vector.tolist(), *values, max(k, 0)],
            ).fetchall()
        return [Match(load(id, text, record), score) for id, text, record, score in rows]

    def search_words(self, query: str, k: int, where: Where | None = None) -> list[Match]:
        """The chunks that match a query's words best by BM25, best first."""
        with self._lock:
            clause, values = condition(where)
            ns = (
                [n for (n,) in self._select(f"SELECT n FROM chunks WHERE {clause}", values)]  # noqa: S608 - constants
                if where
                else None
            )
            found = self._words.rank(query, k, ns)
            rows = self._select(
                "SELECT n, id, text, record FROM chunks WHERE n IN (SELECT unnest(?::BIGINT[]))",
                [[n for n, _ in found]],
            )
        chunks = {n: load(id, text, record) for n, id, text, record in rows}
        return [Match(chunk=chunks[n], score=score) for n, score in found]

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """The chunks with these ids, in that order."""
        wanted = list(map(clean, ids))
        with self._lock:
            rows = self._select(
                "SELECT id, text, record FROM chunks WHERE id IN (SELECT unnest(?::VARCHAR[]))",
                [wanted],
            )
        found = {id: load(id, text, record) for id, text, record in rows}
        return [found[id] for id in wanted if id in found]

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The vectors of these ids, in that order."""
        import numpy as np

        wanted = list(map(clean, ids))
        with self._lock:
            found = dict(
                self._select(
                    "SELECT id, vector FROM chunks WHERE id IN (SELECT unnest(?::VARCHAR[]))",
                    [wanted],
                )
            )
        out = np.empty((len(wanted), self._identity.dimensions), np.float32)
        for row, id in enumerate(wanted):
            out[row] = found[id]
        return out

    def ids(self, where: Where | None = None) -> list[str]:
        """The ids of all chunks that match."""
        clause, values = condition(where)
        with self._lock:
            rows = self._select(f"SELECT id FROM chunks WHERE {clause} ORDER BY n", values)  # noqa: S608 - constants
        return [id for (id,) in rows]

    def count(self) -> int:
        """The number of chunks."""
        with self._lock:
            return int(self._select("SELECT count(*) FROM chunks", [])[0][0])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _select(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, list(values)).fetchall()

    @contextmanager
    def _writing(self) -> Generator[None]:
        if self._read_only:
            raise ConfigError("this index is read-only: it can be searched, and not changed")
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._words.forget()
            raise
        self._db.execute("COMMIT")


def _column(values: list[Any], kind: str) -> Any:
    """A NumPy column; one of objects may hold arrays, which must not become a matrix."""
    import numpy as np

    column = np.empty(len(values), dtype=kind)
    for row, value in enumerate(values):
        column[row] = value
    return column
