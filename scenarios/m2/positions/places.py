"""Positions as the judge has them: how rows are alike, how pairs turn, what a file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

PAIRS = ("neighbours", "halves")


def alike(positions: Array, width: int, base: float) -> Array:
    """The dot products of all positions' rows of a sinusoid, whatever the order of its columns."""
    import numpy as np

    far: Array = positions[:, None] - positions
    return np.cos(far[..., None] * base ** (-np.arange(0, width, 2) / width)).sum(axis=-1)


def rotate(x: Array, positions: Array, base: float, pairs: str) -> Array:
    """Every pair of numbers turned by its position: x is (..., tokens, width)."""
    import numpy as np

    width = int(x.shape[-1])
    x = x if pairs == "neighbours" else _order(x, width // 2)
    paces = np.power(base, -2 * np.arange(width // 2) / width)
    turn = np.exp(1j * positions[:, None] * paces)
    turned = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
    joined = np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)
    return joined if pairs == "neighbours" else _order(joined, 2)


def _order(x: Array, rows: int) -> Array:
    """The last axis read down a grid of so many columns, instead of along it."""
    return x.reshape(*x.shape[:-1], -1, rows).swapaxes(-1, -2).reshape(x.shape)


def reordered(weight: Array, heads: int) -> Array:
    """The rows of a weight, (heads * width, in), from pairs of neighbours to pairs of halves."""
    rows = weight.reshape(heads, -1, 2, weight.shape[-1])
    return rows.swapaxes(1, 2).reshape(weight.shape)


def setting(header: Mapping[str, Any]) -> tuple[float, str]:
    """The base and the pairs that go with a file's header; 10,000 where it says no base."""
    family = header["general.architecture"]
    base = float(header.get(f"{family}.rope.freq_base", 10_000.0))
    return base, "neighbours" if family == "llama" else "halves"
