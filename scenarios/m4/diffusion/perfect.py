"""The direction of least loss, where these pictures are all there are; and where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def best(x: Array, t: float, pictures: Array) -> Array:
    """The mean of all directions that lead through each x (n, d), from noise to pictures (m, d).

    A picture y is mixed to x by the noise (x - t y) / (1 - t) alone, so it weighs as much as that
    noise is likely. Only differences of squares are taken, and the largest weight is 1.
    """
    import numpy as np

    apart = ((x[:, None] - t * pictures) ** 2).sum(axis=2) / (2 * (1 - t) ** 2)
    weights = np.exp(apart.min(axis=1, keepdims=True) - apart)
    weights /= weights.sum(axis=1, keepdims=True)
    return (weights @ pictures - x) / (1 - t)


def nearest(pictures: Array, known: Array) -> Array:
    """How far each picture is from the nearest known one, (n,)."""
    import numpy as np

    squares = (pictures**2).sum(axis=1)[:, None] + (known**2).sum(axis=1)
    return np.sqrt(np.maximum(squares - 2 * pictures @ known.T, 0)).min(axis=1)
