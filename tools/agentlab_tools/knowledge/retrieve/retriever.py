"""Finding passages for a question: by meaning, by words, or by both, and picking among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast, get_args

from agentlab.errors import ConfigError
from agentlab_tools.knowledge.retrieve.beside import Beside
from agentlab_tools.knowledge.retrieve.fuse import marginal_relevance, reciprocal_ranks
from agentlab_tools.knowledge.retrieve.quote import Span, quotable
from agentlab_tools.knowledge.retrieve.weigh import USUAL, Weighing, weigh
from agentlab_tools.knowledge.types import Chunk, Embedder, Match, Source, Store, Where

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

How: TypeAlias = Literal["hybrid", "dense", "lexical"]

WEIGHTS: Mapping[str, float] = {"dense": 1.0, "lexical": 1.0}
K0 = 20.0
"""Weights and constant of the fusion by ranks; how they were chosen stands in
benchmarks/retrieval.py."""

_DEPTH = 100
"""How far down each ranking hybrid search looks, at least."""


class WordSearch(Protocol):
    """What ranks chunks by a query's words."""

    def search_words(self, query: str, k: int, where: Where | None = None) -> list[Match]:
        """The chunks that match best, best first."""
        ...


@dataclass(frozen=True)
class Found:
    """A chunk that was found for a question.

    Attributes:
        score: what it is ranked by.
        parts: what the score is made of: `dense` (cosine), `lexical` (BM25), `fused`, `rerank`.
        quote: the sentence or two of it that match best.
    """

    chunk: Chunk
    score: float
    quote: Span
    parts: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def source(self) -> Source:
        """Where it stands."""
        return self.chunk.source


class Retriever:
    """Searches a store. Safe to use from several threads.

    Args:
        store: of which vectors are searched.
        embedder: the one that made them.
        folder: where words may be kept, for a store without full text; None keeps them in memory.

    Raises:
        ConfigError: the store holds another embedder's vectors.
    """

    def __init__(self, store: Store, embedder: Embedder, folder: Path | None = None) -> None:
        if store.identity != embedder.identity:
            raise ConfigError(
                f"the index holds vectors of {store.identity.model}, and the questions would be "
                f"embedded by {embedder.identity.model}: use the same embedder"
            )
        self._store = store
        self._embedder = embedder
        self._folder = folder
        self._beside: Beside | None = None
        self._lock = Lock()

    @property
    def store(self) -> Store:
        """What is searched."""
        return self._store

    def retrieve(
        self,
        query: str,
        k: int = 5,
        *,
        how: How = "hybrid",
        where: Where | None = None,
        balance: float = 1.0,
        weighing: Weighing | None = USUAL,
        weights: Mapping[str, float] = WEIGHTS,
        k0: float = K0,
        quotes: bool = True,
    ) -> list[Found]:
        """The best passages for a question, best first; none if nothing fits.

        Args:
            query: in words.
            k: how many at most.
            how: by meaning (`dense`), by words (`lexical`), or both.
            where: only chunks with these entries.
            balance: below 1, passages that repeat what a better one says make way (MMR).
            weighing: how hybrid search adds up the scores of both; None fuses their ranks.
            weights: of the two rankings, where ranks are fused.
            k0: the constant of that fusion.
            quotes: without, what is found has an empty quote, and long lists come faster.

        Raises:
            ConfigError: `query` is no text, as when a pipeline hands on a whole dict; or there is
                no such way to search.
        """
        if not isinstance(cast(object, query), str):
            raise ConfigError(
                f"a search is for a text, and {query!r:.60} is {type(query).__name__}: "
                "give it the question alone"
            )
        if how not in get_args(How):
            raise ConfigError(f"no way to search {how!r}; there are: {', '.join(get_args(How))}")
        if not query.strip() or k < 1:
            return []
        ranked = self._ranked(query, max(_DEPTH, 4 * k), how, where, weighing, weights, k0)
        if balance < 1:
            ranked = self._different(ranked, k, balance, query)
        nothing = Span("", 0, 0)
        return [
            Found(
                chunk,
                score,
                quotable(chunk.text, query, self._embedder) if quotes else nothing,
                parts,
            )
            for chunk, score, parts in ranked[:k]
        ]

    def _ranked(
        self,
        query: str,
        depth: int,
        how: How,
        where: Where | None,
        weighing: Weighing | None,
        weights: Mapping[str, float],
        k0: float,
    ) -> list[tuple[Chunk, float, dict[str, float]]]:
        asked = None if how == "lexical" else self._embedder.embed([query])[0]
        ways: dict[str, Callable[[], list[Match]]] = {
            "dense": lambda: self._store.search(cast("Vectors", asked), depth, where),
            "lexical": lambda: self._words().search_words(query, depth, where),
        }
        matches = {name: way() for name, way in ways.items() if how in (name, "hybrid")}
        if how != "hybrid":
            return [(m.chunk, m.score, {how: m.score}) for m in matches[how]]
        chunks: dict[str, Chunk] = {}
        parts: dict[str, dict[str, float]] = {}
        for name, ranking in matches.items():
            for match in ranking:
                chunks[match.chunk.id] = match.chunk
                parts.setdefault(match.chunk.id, {})[name] = match.score
        if weighing is not None:
            return self._weighed(cast("Vectors", asked), chunks, parts, weighing)
        rankings = {name: [m.chunk.id for m in matched] for name, matched in matches.items()}
        fused = reciprocal_ranks(rankings, weights=weights, k0=k0)
        return [(chunks[id], score, {**parts[id], "fused": score}) for id, score in fused.items()]

    def _weighed(
        self,
        asked: Vectors,
        chunks: Mapping[str, Chunk],
        parts: Mapping[str, dict[str, float]],
        weighing: Weighing,
    ) -> list[tuple[Chunk, float, dict[str, float]]]:
        if not chunks:
            return []
        ids = list(chunks)
        vectors = self._store.vectors(ids)
        cosines = (vectors @ asked).tolist()
        lexical = [parts[id].get("lexical", 0.0) for id in ids]
        scores = weigh(asked, vectors, lexical, weighing).tolist()
        order = sorted(range(len(ids)), key=lambda n: -scores[n])
        return [
            (chunks[ids[n]], scores[n], {"dense": cosines[n], **parts[ids[n]], "fused": scores[n]})
            for n in order
        ]

    def _different(
        self,
        ranked: list[tuple[Chunk, float, dict[str, float]]],
        k: int,
        balance: float,
        query: str,
    ) -> list[tuple[Chunk, float, dict[str, float]]]:
        if not ranked:
            return ranked
        vectors = self._store.vectors([chunk.id for chunk, *_ in ranked])
        # Scores on the scale of cosines, whatever they were: the order is kept, the best is 1
        best = max(score for _, score, _ in ranked) or 1.0
        relevance = [score / best for _, score, _ in ranked]
        if "fused" in ranked[0][2]:
            # weighed scores go down to 0 at the last candidate, which cosines don't
            relevance = [(1 + one) / 2 for one in relevance]
        return [ranked[row] for row in marginal_relevance(relevance, vectors, k, balance)]

    def _words(self) -> WordSearch:
        if hasattr(self._store, "search_words"):
            return cast(WordSearch, self._store)
        with self._lock:
            if self._beside is None:
                self._beside = Beside(self._store, self._folder)
            return self._beside

    def refresh(self) -> None:
        """Take note of what was added to the store, or removed, since it was first searched."""
        with self._lock:
            if self._beside is not None:
                self._beside.refresh()

    def close(self) -> None:
        """Close the words and the store."""
        with self._lock:
            if self._beside is not None:
                self._beside.close()
        self._store.close()
