"""Full-text search with BM25 over an inverted index of NumPy arrays.

Ranking: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond", 2009) with k1 = 1.2 and b = 0.75, and the non-negative inverse document frequency
ln(1 + (N - n + 0.5) / (n + 0.5)) that Lucene uses. What each occurrence adds to a score is worked
out beforehand (as BM25S does: Lù, 2024), so that a query only adds up. Words are lower-cased, freed
of accents, and stemmed by Snowball's English stemmer; the commonest English words are left out of
queries.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from agentlab.messages import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    plain = text.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [_stem(word) for word in _WORD.findall(plain)]


def query_terms(query: str) -> list[str]:
    """The words of a query that are looked for, each once: all but the commonest, if there are."""
    words = [word for word in _WORD.findall(query.lower()) if word not in _COMMON]
    return sorted(set(terms(" ".join(words or [query]))))


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return cast(str, _stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return cast(Any, snowballstemmer).stemmer("english")


class Bm25:
    """An inverted index: for each term the documents it is in, and what it adds to their scores.

    Documents and terms are numbered from 0. The three arrays are parallel, one entry for each term
    of each document.

    Args:
        terms: the terms' numbers.
        docs: the documents' numbers.
        counts: how often the term is in the document.
        lengths: of each document, in words.
    """

    def __init__(
        self,
        terms: NDArray[np.int64],
        docs: NDArray[np.int64],
        counts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> None:
        import numpy as np

        self._size = len(lengths)
        order = np.argsort(terms, kind="stable")
        of = np.bincount(terms, minlength=1)
        self._starts = np.concatenate([[0], np.cumsum(of)])
        self._docs = docs[order].astype(np.int32)
        times = counts[order].astype(np.float64)
        idf = np.log(1 + (self._size - of + 0.5) / (of + 0.5))
        mean = lengths.mean() if self._size and lengths.any() else 1.0
        length = lengths[self._docs] / mean
        gain = times * (K1 + 1) / (times + K1 * (1 - B + B * length))
        self._gains = (np.repeat(idf, of) * gain).astype(np.float32)

    def rank(
        self, terms: Iterable[int], top: int, among: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """The best documents and their scores, best first; of equals the one numbered first.

        Args:
            terms: each once.
            top: how many at most. Those in which no term occurs are left out.
            among: for each document whether it may be found.
        """
        import numpy as np

        scores = np.zeros(self._size, np.float32)
        for term in terms:
            if 0 <= term < len(self._starts) - 1:
                part = slice(self._starts[term], self._starts[term + 1])
                scores[self._docs[part]] += self._gains[part]
        if among is not None:
            scores[~among] = 0
        if top < 1:
            return []
        least = np.partition(scores, -top)[-top] if top < self._size else 0.0
        scoring = np.flatnonzero(scores >= least if least > 0 else scores > 0)
        best = scoring[np.lexsort((scoring, -scores[scoring]))][:top]
        return [(int(doc), float(scores[doc])) for doc in best]


class LexicalIndex:
    """An index of passages, in memory. Safe to search from several threads."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        import numpy as np

        self._passages: tuple[Passage, ...] = tuple(passages)
        self._known: dict[str, int] = {}
        columns: list[tuple[int, int, int]] = []
        lengths: list[int] = []
        for doc, passage in enumerate(self._passages):
            counts = Counter[str](terms(f"{passage.heading}\n{passage.text}"))
            lengths.append(counts.total())
            for term, count in counts.items():
                columns.append((self._known.setdefault(term, len(self._known)), doc, count))
        table = np.array(columns, np.int64).reshape(-1, 3)
        self._ranking = Bm25(table[:, 0], table[:, 1], table[:, 2], np.array(lengths, np.int64))

    def __len__(self) -> int:
        return len(self._passages)

    def search(self, query: str, top: int = 3) -> Sequence[Hit]:
        """The best passages for a query, best first; none if no word of it occurs."""
        terms = [self._known[term] for term in query_terms(query) if term in self._known]
        ranked = self._ranking.rank(terms, top)
        return tuple(Hit(passage=self._passages[doc], score=score) for doc, score in ranked)
