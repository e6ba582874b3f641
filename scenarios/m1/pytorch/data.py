"""Handwritten digits, some to learn from and some to be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_FILE = Path(__file__).with_name("digits.npz")
_KNOWN, _FRESH = 1500, 1000


@dataclass(frozen=True)
class Digits:
    """Pictures (n, 196), each point from 0 to 1, and which digits they are (n,)."""

    pictures: Array
    digits: Array


@cache
def digits() -> Digits:
    """All of them, 400 of each."""
    import numpy as np

    with np.load(_FILE) as kept:
        whole, which = kept["pictures"], kept["digits"]
    return Digits((whole.reshape(len(whole), -1) / 15).astype(np.float32), which.astype(np.int64))


def drawn(seed: int) -> tuple[Digits, Digits]:
    """(some to learn from, others that are fresh)."""
    import numpy as np

    rows = np.random.default_rng(seed).permutation(len(digits().digits))
    parts = rows[:_KNOWN], rows[_KNOWN : _KNOWN + _FRESH]
    known, fresh = (Digits(digits().pictures[part], digits().digits[part]) for part in parts)
    return known, fresh
