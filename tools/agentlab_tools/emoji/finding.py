"""How much is found in a space of pictures and captions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.emoji import emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Tower: TypeAlias = Callable[["Array"], "Array"]


def found(pictures: Array, captions: Array, within: int) -> float:
    """How often what belongs to a row is among the best so many, both ways, on average.

    Args:
        pictures: (n, k), of any length.
        captions: (n, k), row by row of the same things.
    """
    import numpy as np

    one, other = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (captions, pictures))
    scores = one @ other.T
    shares: list[float] = []
    for table in (scores, scores.T):
        own = np.diag(table)[:, None]
        # what is not below the right one counts as before it: one point for all finds nothing
        better = (~(table < own)).sum(axis=1) - 1
        shares.append(float((better < within).mean()))
    return float(np.mean(shares))


def recall(see: Tower, read: Tower, new: Array, within: int = 5) -> float:
    """`found` of new things by their names, mean of both makers."""
    import numpy as np

    known = emoji()
    told = read(known.of_names[new])
    return float(np.mean([found(see(known.features[m][new]), told, within) for m in (0, 1)]))
