"""Scores of meaning and of words made one, and looked at again in the light of what came first.

Ranks alone forget how far apart two passages are. Here the scores themselves are added, each on a
scale of its own candidates; then the passages that came first say what else is asked for: the
question's vector moves toward theirs (Rocchio's pseudo-relevance feedback), and a passage gains by
being like others that score well. All of it is arithmetic on vectors that the store has anyway: no
text is read again, and a query costs a few milliseconds more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentlab_tools.knowledge.types import Vectors

    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Weighing:
    """How much each part counts; how they were chosen stands in benchmarks/retrieval.py.

    Attributes:
        words: of BM25, beside 1 for meaning.
        first: how many passages the question moves toward.
        toward: how far: their mean's weight beside the question's 1.
        company: the share of a passage's score that it has from those most like it.
    """

    words: float = 0.8
    first: int = 3
    toward: float = 0.2
    company: float = 0.15


USUAL = Weighing()
_ROUNDING = 1e-6
"""Equal vectors may give products that differ in the last bit: a processor adds rows in turn."""


def weigh(
    query: Floats, vectors: Vectors, lexical: Sequence[float], weighing: Weighing = USUAL
) -> Floats:
    """The score of each candidate: higher is better.

    Args:
        query: the question's vector, of length 1.
        vectors: of the candidates: (candidates, dimensions), each of length 1.
        lexical: what BM25 gives each, 0 where no word is shared.
    """
    import numpy as np

    if len(vectors) < 2:
        return np.ones(len(vectors), np.float32)
    words = weighing.words * _scaled(np.asarray(lexical, np.float32))
    cosines = vectors @ query
    scores = _scaled(cosines) + words
    if weighing.first and weighing.toward:
        leading = np.argsort(-scores, kind="stable")[: weighing.first]
        moved = query + weighing.toward * vectors[leading].mean(0)
        cosines = vectors @ (moved / np.linalg.norm(moved))
        scores = _scaled(cosines) + words
    if weighing.company:
        like = np.maximum(vectors @ vectors.T, 0) ** 4
        np.fill_diagonal(like, 0.0)
        # of those most like it alone: the rest would make all alike
        least = np.partition(like, -min(5, len(like) - 1), axis=1)[:, -min(5, len(like) - 1)]
        like[like < least[:, None]] = 0.0
        total = like.sum(1)
        around = like @ scores / np.where(total > 0, total, 1.0)
        scores = (1 - weighing.company) * scores + weighing.company * np.where(
            total > 0, around, scores
        )
    return scores.astype(np.float32)


def _scaled(values: Floats) -> Floats:
    """From 0, the least, to 1, the most; all 0 where they differ by no more than rounding."""
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high - low > _ROUNDING else values * 0
