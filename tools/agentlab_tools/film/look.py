"""What is seen in frames: where the ink is, how large it is, and, made settled, what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_INK, _LONG, _FORM = 0.25, 10.0, 14


def centres(frames: Array) -> Array:
    """Where the middle of the ink is in each frame, and how far it spreads: (n, 3)."""
    import numpy as np

    ink = np.clip(np.asarray(frames, float), 0, 1)
    ink = np.where(ink > 0.1, ink, 0)
    whole = ink.sum(axis=(1, 2)) + 1e-9
    line = np.arange(ink.shape[1])
    x = (ink.sum(axis=1) * line).sum(axis=1) / whole
    y = (ink.sum(axis=2) * line).sum(axis=1) / whole
    far = (line - x[:, None, None]) ** 2 + (line[:, None] - y[:, None, None]) ** 2
    return np.stack([x, y, np.sqrt((ink * far).sum(axis=(1, 2)) / whole)], axis=1)


def settled(frames: Array) -> Array:
    """Each frame's digit as MNIST has it, in the middle and of one size: (n, 196)."""
    import numpy as np

    ink = np.clip(np.asarray(frames, float), 0, 1)
    return np.array([_form(one) for one in ink]).reshape(len(ink), _FORM * _FORM)


def _form(ink: Array) -> Array:
    import numpy as np

    rows, columns = np.nonzero(ink > _INK)
    if not len(rows):
        return np.zeros((_FORM, _FORM))
    long = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    step = long / _LONG
    (x, y, _), *_ = centres(ink[None])
    wide = np.pad(ink, _FORM)
    grid = (np.arange(_FORM) - (_FORM - 1) / 2) * step + _FORM
    across, down = np.clip(grid + x, 0, len(wide) - 2), np.clip(grid + y, 0, len(wide) - 2)
    left, top = across.astype(int), down.astype(int)
    a, b = across - left, (down - top)[:, None]
    upper = wide[np.ix_(top, left)] * (1 - a) + wide[np.ix_(top, left + 1)] * a
    lower = wide[np.ix_(top + 1, left)] * (1 - a) + wide[np.ix_(top + 1, left + 1)] * a
    return upper * (1 - b) + lower * b


def alike(one: Array, other: Array) -> Array:
    """How like each other pictures are, row by row: 1 for the same, about 0 for any two."""
    import numpy as np

    a, b = (rows - rows.mean(axis=-1, keepdims=True) for rows in (one, other))
    long = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return (a * b).sum(axis=-1) / (long + 1e-9)
