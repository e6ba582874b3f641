"""Which piece hangs on which, and who sees whom, as pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from math import ceil
from typing import Any


def alignment(
    moves: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str]
) -> bytes:
    """What is written, a row each, and how much it hangs on each piece that is read, as PNG."""
    figure = _figure(5, 3.6)
    ax = figure.add_subplot()
    drawn = ax.imshow(moves, cmap="magma", vmin=0, vmax=1, aspect="auto")
    ax.set_yticks(range(len(moves)), [*rows, *[""] * len(moves)][: len(moves)])
    ax.set_xticks(range(len(columns)), columns, rotation=60)
    ax.set_xlabel("read")
    ax.set_ylabel("written")
    figure.colorbar(drawn, ax=ax, label="chance moved by another word")
    return _png(figure)


def reached(matrices: Sequence[Sequence[Sequence[int]]]) -> bytes:
    """For each net, in rows, which place of the target sees which, as PNG."""
    columns = 5
    figure = _figure(6, 1.4 * ceil(len(matrices) / columns))
    for n, matrix in enumerate(matrices, 1):
        ax = figure.add_subplot(ceil(len(matrices) / columns), columns, n)
        later = [
            [2 if one and j > i else one for j, one in enumerate(row)]
            for i, row in enumerate(matrix)
        ]
        ax.imshow(later, cmap="magma", vmin=0, vmax=2)
        ax.set_title(f"net {n}", fontsize=8)
        ax.set_xticks([])
        ax.set_yticks([])
    return _png(figure)


def _figure(width: float, height: float) -> Any:
    return import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=90)
    return file.getvalue()
