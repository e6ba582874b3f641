"""Putting rankings together, and picking from them: pure functions over ids and vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

K0 = 60
"""What the paper recommends."""


def reciprocal_ranks(
    rankings: Mapping[str, Sequence[str]],
    *,
    weights: Mapping[str, float] | None = None,
    k0: float = K0,
) -> dict[str, float]:
    """Reciprocal rank fusion: ids to scores, best first; of equals the one met first.

    An id's score is the sum over rankings of weight / (k0 + rank), rank counted from 1 (Cormack,
    Clarke and Büttcher, "Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning
    Methods", SIGIR 2009; the weights are ours, 1 where none is given).
    """
    scores: dict[str, float] = {}
    for name, ranking in rankings.items():
        weight = (weights or {}).get(name, 1.0)
        for rank, id in enumerate(ranking, 1):
            scores[id] = scores.get(id, 0.0) + weight / (k0 + rank)
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))


def marginal_relevance(
    relevance: Sequence[float], vectors: Vectors, k: int, balance: float
) -> list[int]:
    """Pick `k` rows that are relevant, and unlike those picked before: their numbers, in order.

    Maximal marginal relevance: each pick has the largest `balance` · relevance − (1 − `balance`) ·
    the largest cosine to an earlier pick (Carbonell and Goldstein, SIGIR 1998).

    Args:
        relevance: of each row, on the scale of cosines.
        vectors: (rows, dimensions), each of length 1.
        k: how many at most.
        balance: 1 looks at relevance alone, 0 at difference alone.
    """
    import numpy as np

    gain = balance * np.asarray(relevance, np.float64)
    nearest = np.full(len(gain), -np.inf)
    left = np.ones(len(gain), bool)
    picked: list[int] = []
    while len(picked) < min(k, len(gain)):
        against = (1 - balance) * nearest if picked else 0.0
        best = int(np.argmax(np.where(left, gain - against, -np.inf)))
        picked.append(best)
        left[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return picked
