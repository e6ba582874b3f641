"""Full text for stores that have none: a file of words beside the store, brought up to it by ids.

An id is a hash of its chunk, so what the store has and the words lack is added, and the other way
round, when first searched; nothing has to be done when the store is written, and a process that is
killed leaves nothing wrong. Where the file can't be had (another process writes it, the folder is
read-only), or there is no folder, the words are kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from agentlab.errors import ConfigError
from agentlab_tools.knowledge.stores.duck import connect
from agentlab_tools.knowledge.stores.readonly import is_read_only
from agentlab_tools.knowledge.stores.words import TABLES, Words
from agentlab_tools.knowledge.types import Match, Store, Where

if TYPE_CHECKING:
    import duckdb

FILE = "words.duckdb"
_BATCH = 2000
_OURS = "CREATE TABLE IF NOT EXISTS ids (n BIGINT, id VARCHAR);"


class Beside:
    """BM25 over the chunks of a store. Safe to search from several threads."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self._store = store
        self._lock = Lock()
        self._db = self._open(folder)
        self._words = Words(self._db)
        try:
            self.refresh()
        except BaseException:
            self._db.close()
            raise

    @staticmethod
    def _open(folder: Path | None) -> duckdb.DuckDBPyConnection:
        db: duckdb.DuckDBPyConnection | None = None
        if folder is not None:
            try:
                if is_read_only(folder):
                    raise ConfigError("nothing can be kept there")
                db = connect(folder / FILE)
                db.execute(TABLES + _OURS)
                return db
            except ConfigError:
                pass
        db = connect(Path(":memory:"))
        db.execute(TABLES + _OURS)
        return db

    def refresh(self) -> None:
        """Bring the words up to what the store holds now."""
        with self._lock:
            here = {id: n for n, id in self._select("SELECT n, id FROM ids")}
            there = self._store.ids()
            gone = [here[id] for id in here.keys() - set(there)]
            new = [id for id in there if id not in here]
            first = max(here.values(), default=0) + 1
            self._db.execute("BEGIN")
            try:
                self._remove(gone)
                for begin in range(0, len(new), _BATCH):
                    chunks = self._store.get(new[begin : begin + _BATCH])
                    numbered = list(enumerate(chunks, first))
                    first += len(chunks)
                    self._db.execute(
                        "INSERT INTO ids SELECT unnest($1::BIGINT[]), unnest($2::VARCHAR[])",
                        [[n for n, _ in numbered], [chunk.id for chunk in chunks]],
                    )
                    self._words.add(numbered)
            except BaseException:
                self._db.execute("ROLLBACK")
                self._words.forget()
                raise
            self._db.execute("COMMIT")

    def _remove(self, ns: Sequence[int]) -> None:
        if ns:
            self._db.execute("DELETE FROM ids WHERE n IN (SELECT unnest($1::BIGINT[]))", [ns])
            self._words.remove(ns)

    def search_words(self, query: str, k: int, where: Where | None = None) -> list[Match]:
        """The chunks that match a query's words best, best first."""
        ids = self._store.ids(where) if where else None
        with self._lock:
            among = None
            if ids is not None:
                rows = self._select(
                    "SELECT n, id FROM ids WHERE id IN (SELECT unnest(?::VARCHAR[]))", [ids]
                )
                among = [n for n, _ in rows]
            ranked = self._words.rank(query, k, among)
            names = dict(
                self._select(
                    "SELECT n, id FROM ids WHERE n IN (SELECT unnest(?::BIGINT[]))",
                    [[n for n, _ in ranked]],
                )
            )
        scores = {names[n]: score for n, score in ranked}
        return [Match(chunk, scores[chunk.id]) for chunk in self._store.get(list(scores))]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _select(self, sql: str, values: Sequence[object] = ()) -> list[tuple[int, str]]:
        return self._db.execute(sql, list(values)).fetchall()
