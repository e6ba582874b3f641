"""What parsers, embedders, stores and retrieval hand to each other: values and two protocols.

Vectors are NumPy arrays of float32, one row a text, each row of length 1 (L2), so that the dot
product of two rows is their cosine similarity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # (texts, dimensions)

# What metadata may hold, and what a filter compares: {"kind": "pdf"}, {"page": 3}.
Scalar = str | int | float | bool
Where = Mapping[str, Scalar]  # every pair must match


@dataclass(frozen=True)
class Source:
    """Where a chunk stands: enough to open the file there, and to cite it.

    `start` and `end` are 1-based line numbers in the file's text, both included; `page` is set for
    what has pages (PDF), `heading` is the path of headings above ("Install > Linux").
    """

    file: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True)
class Chunk:
    """A passage of a document: what is embedded, found, and quoted."""

    id: str  # a hash of the file, the place and the text: the same passage has the same id
    text: str
    source: Source
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True)
class Identity:
    """Which model made the vectors of a collection; vectors of two models cannot be compared."""

    model: str
    dimensions: int


@dataclass(frozen=True)
class Match:
    """A chunk that a store found, with its cosine similarity to the query (-1 to 1)."""

    chunk: Chunk
    score: float


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> Identity:
        """The model's name and its number of dimensions."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length 1 for each text, in order: (texts, dimensions)."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many of the model's own tokens the text takes, special tokens left out."""
        ...


class Store(Protocol):
    """A collection of chunks and their vectors, which outlives the process."""

    @property
    def identity(self) -> Identity:
        """The embedder whose vectors it holds, stored with the collection."""
        ...

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add chunks, or replace those with the same ids; on disk when this returns."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; an id that is not there is passed over."""
        ...

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[Match]:
        """Return the `k` chunks nearest to a vector (dimensions,), best first."""
        ...

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """Return the chunks with these ids, in that order, those that are missing left out."""
        ...

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of these ids, in that order. KeyError if one is missing."""
        ...

    def ids(self, where: Where | None = None) -> list[str]:
        """Return the ids of all chunks that match."""
        ...

    def count(self) -> int:
        """Return the number of chunks."""
        ...

    def close(self) -> None:
        """Release files and connections; what was upserted stays."""
        ...
