"""Full-text search with BM25, as SQL over three DuckDB tables.

DuckDB's own full-text extension is fetched from the network when first used; this needs none, and
is the same idea: an inverted index as tables, and the ranking as one query.

Ranking: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond", 2009) with k1 = 1.2 and b = 0.75, and the non-negative inverse document frequency
ln(1 + (N - n + 0.5) / (n + 0.5)) that Lucene uses. Words are lower-cased, freed of accents, and
stemmed by Snowball's English stemmer; the commonest English words are left out of queries.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from agentlab.messages import Value

if TYPE_CHECKING:
    import duckdb

K1 = 1.2
B = 0.75

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_COMMON = frozenset(
    (
        "a about an and are as at be been but by can could did do does for from had has have how "
        "i if in into is it its me my of on or our should so than that the their them then there "
        "these they this to us was we were what when where which who whom why will with would you "
        "your"
    ).split()
)


class Passage(Value):
    """A piece of a document, with where it stands."""

    source: str
    """The document's name, e.g. `lora.md`."""
    heading: str
    line: int
    """Of the source, where the passage begins, counted from 1."""
    text: str


class Hit(Value):
    """A passage that was found; a higher score is a better match."""

    passage: Passage
    score: float


def terms(text: str) -> list[str]:
    """The words of a text as they are indexed."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [_stem(word) for word in _WORD.findall(plain)]


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return cast(str, _stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer  # noqa: PLC0415 - loaded when first searched

    return cast(Any, snowballstemmer).stemmer("english")


class LexicalIndex:
    """An index of passages, in memory. Safe to search from several threads."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        import duckdb  # noqa: PLC0415 - loaded when first searched

        self._passages: tuple[Passage, ...] = tuple(passages)
        self._lock = Lock()
        self._db = duckdb.connect(":memory:", config={"threads": 1})
        self._fill(self._db)

    def __len__(self) -> int:
        return len(self._passages)

    def search(self, query: str, top: int = 3) -> Sequence[Hit]:
        """The best passages for a query, best first; none if no word of it occurs."""
        words = [word for word in _WORD.findall(query.lower()) if word not in _COMMON]
        wanted = sorted(set(terms(" ".join(words or [query]))))
        if not wanted or not self._passages:
            return ()
        with self._lock:
            found = self._db.execute(_RANK, [K1, B, wanted, top]).fetchall()
        rows = cast(list[tuple[int, float]], found)
        return tuple(Hit(passage=self._passages[id], score=score) for id, score in rows)

    def _fill(self, db: duckdb.DuckDBPyConnection) -> None:
        db.execute("CREATE TABLE docs (id INTEGER, length INTEGER)")
        db.execute("CREATE TABLE postings (term VARCHAR, id INTEGER, count INTEGER)")
        lengths: list[int] = []
        words: list[str] = []
        ids: list[int] = []
        times: list[int] = []
        for id, passage in enumerate(self._passages):
            counts = Counter[str](terms(f"{passage.heading}\n{passage.text}"))
            lengths.append(counts.total())
            words += counts.keys()
            ids += [id] * len(counts)
            times += counts.values()
        # Whole columns as lists: one call each, where a row at a time would take seconds
        db.execute("INSERT INTO docs SELECT unnest(range(len($1)))::INTEGER, unnest($1)", [lengths])
        db.execute(
            "INSERT INTO postings SELECT unnest($1), unnest($2), unnest($3)", [words, ids, times]
        )
        db.execute("CREATE INDEX by_term ON postings (term)")


_RANK = """
WITH totals AS (SELECT count(*) AS n, avg(length) AS mean FROM docs),
     found  AS (SELECT * FROM postings WHERE term IN (SELECT unnest($3))),
     weight AS (SELECT term, ln(1 + (any_value(n) - count(*) + 0.5) / (count(*) + 0.5)) AS idf
                FROM found, totals GROUP BY term)
SELECT id, sum(idf * count * ($1 + 1) / (count + $1 * (1 - $2 + $2 * length / mean))) AS score
FROM found JOIN weight USING (term) JOIN docs USING (id), totals
GROUP BY id ORDER BY score DESC, id LIMIT $4
"""
