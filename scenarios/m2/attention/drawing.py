"""Heads of the attention as pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from .model import Head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def maps(weights: Array, heads: Mapping[str, Head]) -> bytes:
    """A heat map of each head, side by side, as PNG.

    Args:
        weights: (layers, heads, n, n).
        heads: which ones, by what is written above them.
    """
    figure_of: Any = import_module("matplotlib.figure")
    figure = figure_of.Figure(figsize=(6, 3.2), layout="constrained")
    drawn: Any = None
    for number, (says, head) in enumerate(heads.items(), 1):
        ax = figure.add_subplot(1, len(heads), number)
        drawn = ax.imshow(weights[head], cmap="magma", vmin=0, vmax=1)
        ax.set_title(f"{says}: layer {head[0]}, head {head[1]}", fontsize=9)
        ax.set_xlabel("looked at")
        ax.set_ylabel("looks")
    figure.colorbar(drawn, ax=figure.axes, label="weight", shrink=0.8)
    file = io.BytesIO()
    figure.savefig(file, dpi=90)
    return file.getvalue()
