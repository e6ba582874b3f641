"""What a generator drew beside real digits, and the film of its training, as pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SIDE = 14


def sheet(pictures: Array, columns: int) -> Array:
    """Pictures (n, 196) in rows of so many, with a line of grey around each."""
    import numpy as np

    rows = len(pictures) // columns
    made = np.full((rows, SIDE + 1, columns, SIDE + 1), 0.35)
    whole = np.asarray(pictures[: rows * columns], dtype=float)
    made[:, :SIDE, :, :SIDE] = whole.reshape(rows, columns, SIDE, SIDE).transpose(0, 2, 1, 3)
    return made.reshape(rows * (SIDE + 1), columns * (SIDE + 1))[:-1, :-1]


def beside(parts: Sequence[tuple[str, Array]], columns: int) -> bytes:
    """Sheets side by side, each with its title, as PNG."""
    rows = max(len(pictures) // columns for _, pictures in parts)
    figure = _figure(3.2 * len(parts), 0.4 + 3.2 * rows / columns)
    for number, (title, pictures) in enumerate(parts, 1):
        ax = figure.add_subplot(1, len(parts), number)
        _shown(ax, sheet(pictures, columns))
        ax.set_title(title, fontsize=9)
    return _png(figure)


def film(frames: Array) -> bytes:
    """What came of the same noise at several moments, (moments, n, 196), a row each, as PNG."""
    moments, columns, _ = frames.shape
    figure = _figure(6.4, 0.45 + 6.0 * moments / columns)
    ax = figure.add_subplot()
    _shown(ax, sheet(frames.reshape(-1, SIDE * SIDE), columns))
    ax.set_ylabel("← training", fontsize=9)
    return _png(figure)


def _shown(ax: Any, picture: Array) -> None:
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])


def _figure(width: float, height: float) -> Any:
    return import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=90)
    return file.getvalue()
