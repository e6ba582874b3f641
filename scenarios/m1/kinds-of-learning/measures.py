"""How good a grouping is: by its own measure, and by somebody else's groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

STARTS = 40
"""Starts of the reference; of ten draws, none was found on which 30 others did 0.3 % worse."""
_ROUNDS = 60


def spread(x: Array, clusters: Array) -> float:
    """The squared distances of all rows from the mean of their cluster, added up."""
    parts = (x[clusters == c] for c in set(clusters.tolist()))
    return float(sum(((part - part.mean(axis=0)) ** 2).sum() for part in parts))


def least_spread(x: Array, k: int, seed: int = 0) -> float:
    """The least that k-means came to from many starts."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return min(spread(x, k_means(x, k, rng)) for _ in range(STARTS))


def k_means(x: Array, k: int, rng: Any) -> Array:
    """Lloyd's algorithm from k rows drawn at random: the number of each row's cluster, (n,)."""
    import numpy as np

    centres = x[rng.choice(len(x), k, replace=False)]
    clusters = np.full(len(x), -1)
    for _ in range(_ROUNDS):
        nearest = ((centres**2).sum(axis=1) - 2 * x @ centres.T).argmin(axis=1)
        if (nearest == clusters).all():
            break
        clusters = nearest
        centres = np.stack(
            [
                x[clusters == c].mean(axis=0) if (clusters == c).any() else x[rng.integers(len(x))]
                for c in range(k)
            ]
        )
    return clusters


def agreement(one: Array, other: Array) -> float:
    """The adjusted Rand index (Hubert and Arabie, 1985): 1 for the same groups, 0 for chance."""
    import numpy as np

    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    both, rows, columns = (_pairs(t) for t in (table, table.sum(axis=1), table.sum(axis=0)))
    chance = rows * columns / _pairs(np.array([float(len(one))]))
    most = (rows + columns) / 2
    return float((both - chance) / (most - chance)) if most != chance else 1.0


def _pairs(counts: Array) -> float:
    return float((counts * (counts - 1) / 2).sum())
