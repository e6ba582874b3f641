"""Handwritten digits of MNIST, made smaller: 400 of each, of 14 by 14 points. See NOTICE."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SIDE = 14
POINTS = SIDE * SIDE
_FILE = Path(__file__).with_name("digits.npz")


@cache
def digits() -> tuple[Array, Array]:
    """(pictures as rows of 196 shades from 0 to 1, the digit of each), in the order of digits."""
    import numpy as np

    with np.load(_FILE) as kept:
        return kept["pictures"].reshape(-1, POINTS) / 15.0, kept["digits"].astype(np.int64)


def drawn(
    seed: int, known: int, fresh: int, dtype: Literal["float64", "float32"] = "float64"
) -> tuple[Array, Array, Array, Array]:
    """Pictures to learn from (known, 196) with their digits, and others (fresh, 196) with theirs.

    Args:
        dtype: of the pictures.
    """
    import numpy as np

    pictures, right = digits()
    rows = np.random.default_rng(seed).permutation(len(right))
    one, other = rows[:known], rows[known : known + fresh]
    shades = pictures.astype(dtype, copy=False)
    return shades[one], right[one], shades[other], right[other]
