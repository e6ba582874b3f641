"""The words of chunks in DuckDB tables, and BM25 over them.

The tables are what counts; the inverted index is made of them in memory when first searched, and
again after a change. Beside a store that has no full text of its own they lie in a file of their
own (see `Beside`); the DuckDB store keeps them with the chunks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from agentlab_tools.lexical import Bm25, query_terms, terms

if TYPE_CHECKING:
    import duckdb

    from agentlab_tools.knowledge.types import Chunk

TABLES = """
CREATE TABLE IF NOT EXISTS vocabulary (term VARCHAR, t INTEGER);
CREATE TABLE IF NOT EXISTS postings (t INTEGER, n BIGINT, count INTEGER);
CREATE TABLE IF NOT EXISTS lengths (n BIGINT, length INTEGER);
"""


class Words:
    """The words of numbered chunks. Not safe for several threads: its owner has the lock."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self._known: dict[str, int] | None = None
        self._ranking: tuple[Bm25, Any] | None = None

    def forget(self) -> None:
        """Read the tables anew: a transaction was rolled back."""
        self._known = self._ranking = None

    def add(self, numbered: Iterable[tuple[int, Chunk]]) -> None:
        """Take in chunks, inside the caller's transaction."""
        import numpy as np

        known = self._vocabulary()
        before = len(known)
        postings: list[tuple[int, int, int]] = []
        lengths: list[tuple[int, int]] = []
        for n, chunk in numbered:
            counts = Counter(terms(f"{chunk.source.heading}\n{chunk.text}"))
            lengths.append((n, counts.total()))
            for term, count in counts.items():
                postings.append((known.setdefault(term, len(known)), n, count))
        # Whole columns at once: a row at a time would take minutes
        new = list(known)[before:]
        ids = list(range(before, len(known)))
        self._db.execute("INSERT INTO vocabulary SELECT unnest($1), unnest($2)", [new, ids])
        for table, rows in (("postings", postings), ("lengths", lengths)):
            if rows:
                columns = np.array(rows, np.int64).T
                batch = {f"c{at}": np.ascontiguousarray(c) for at, c in enumerate(columns)}
                insert(self._db, table, batch)
        self._ranking = None

    def remove(self, ns: Sequence[int]) -> None:
        """Let go of chunks, inside the caller's transaction."""
        for table in ("postings", "lengths"):
            self._db.execute(
                f"DELETE FROM {table} WHERE n IN (SELECT unnest($1::BIGINT[]))",  # noqa: S608 - one of two constants
                [list(ns)],
            )
        self._ranking = None

    def rank(
        self, query: str, top: int, among: Iterable[int] | None = None
    ) -> list[tuple[int, float]]:
        """The best chunks' numbers and scores, best first; `among` bounds which may be found."""
        import numpy as np

        known = self._vocabulary()
        wanted = [known[term] for term in query_terms(query) if term in known]
        if not wanted:
            return []
        ranking, ns = self._read()
        mask = None if among is None else np.isin(ns, np.fromiter(among, np.int64))
        return [(int(ns[row]), score) for row, score in ranking.rank(wanted, top, mask)]

    def _vocabulary(self) -> dict[str, int]:
        if self._known is None:
            rows = self._db.execute("SELECT term, t FROM vocabulary ORDER BY t").fetchall()
            self._known = dict(rows)
        return self._known

    def _read(self) -> tuple[Bm25, Any]:
        import numpy as np

        if self._ranking is None:
            docs = self._db.execute("SELECT n, length FROM lengths ORDER BY n").fetchnumpy()
            found = self._db.execute("SELECT t, n, count FROM postings").fetchnumpy()
            rows = np.searchsorted(docs["n"], found["n"])
            terms_, counts = (np.asarray(found[name], np.int64) for name in ("t", "count"))
            ranking = Bm25(terms_, rows, counts, np.asarray(docs["length"], np.int64))
            self._ranking = ranking, docs["n"]
        return self._ranking


def insert(
    db: duckdb.DuckDBPyConnection, table: str, batch: dict[str, Any], cast: str = ""
) -> None:
    """Add rows given as NumPy columns, in the order of the table's own."""
    db.register("batch", batch)
    try:
        columns = f"* REPLACE ({cast})" if cast else "*"
        db.execute(f"INSERT INTO {table} SELECT {columns} FROM batch")  # noqa: S608 - constants
    finally:
        db.unregister("batch")
