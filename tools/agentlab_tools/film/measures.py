"""How good a clip is: whether the digit stays what it was, and goes where it was to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits.judge import read
from agentlab_tools.film.look import settled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_PALE = 0.1


def centres(frames: Array) -> Array:
    """Where the middle of the ink is in each frame, and how far it spreads: (n, 3)."""
    import numpy as np

    ink = np.clip(np.asarray(frames, float), 0, 1)
    ink[ink <= _PALE] = 0
    whole = ink.sum(axis=(1, 2)) + 1e-9
    line = np.arange(float(len(frames[0])))
    x = (ink.sum(axis=1) * line).sum(axis=1) / whole
    y = (ink.sum(axis=2) * line).sum(axis=1) / whole
    far = (line - x[:, None, None]) ** 2 + (line[:, None] - y[:, None, None]) ** 2
    return np.stack([x, y, np.sqrt((ink * far).sum(axis=(1, 2)) / whole)], axis=1)


def alike(one: Array, other: Array) -> Array:
    """How like each other pictures are, row by row: 1 for the same, about 0 for any two."""
    import numpy as np

    a, b = (rows - rows.mean(axis=-1, keepdims=True) for rows in (one, other))
    long = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return (a * b).sum(axis=-1) / (long + 1e-9)


def reads(frames: Array) -> Array:
    """The digit that the judge reads in each frame: (n,)."""
    return read(settled(frames)).argmax(axis=1)


def kept(frames: Array) -> Array:
    """How like the digit of the first frame each later one is, wherever and however large it is."""
    seen = settled(frames)
    return alike(seen, seen[:1])


def astray(frames: Array, truth: Array) -> Array:
    """How many points the ink's middle is from where it should be, in each frame."""
    import numpy as np

    one, other = centres(frames), centres(truth)
    return np.sqrt(((one - other)[:, :2] ** 2).sum(axis=1))
