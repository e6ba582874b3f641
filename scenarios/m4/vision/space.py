"""A space of pictures and words, for the sandbox and for the lab.

see, read = agree(x, y)        # x (n, a) and y (n, b), row by row of the same things
unit(see(x)) @ unit(read(y)).T # what fits what
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np  # noqa: TID253 - imported when something is run, never with the lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
    Tower: TypeAlias = Callable[[Array], Array]


def unit(rows: Array) -> Array:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def agree(x: Array, y: Array, width: int = 96, lean: float = 0.6) -> tuple[Tower, Tower]:
    """The projections of both in which they agree most (Hotelling, 1936).

    Args:
        x: (n, a), of pictures.
        y: (n, b), of words.
        width: how many numbers a row of the space has.
        lean: how little is believed of directions in which there is hardly anything.
    """
    middles = x.mean(axis=0), y.mean(axis=0)
    one, other = x - middles[0], y - middles[1]
    white = [_white(rows.T @ rows / len(rows), lean) for rows in (one, other)]
    left, strength, right = np.linalg.svd(white[0] @ (one.T @ other / len(x)) @ white[1])
    see = white[0] @ left[:, :width] * strength[:width]
    read = white[1] @ right[:width].T * strength[:width]
    return (lambda rows: (rows - middles[0]) @ see), (lambda rows: (rows - middles[1]) @ read)


def _white(spread: Array, lean: float) -> Array:
    """What makes all directions equally long."""
    size = len(spread)
    values, axes = np.linalg.eigh(spread + lean * np.trace(spread) / size * np.eye(size))
    return (axes / np.sqrt(values)) @ axes.T
