"""Emoji: what they look like, their names as vectors, and the group that Unicode puts them in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

FILE = Path(__file__).with_name("emoji.npz")
GROUPS = ("animal", "face", "food", "travel")


@dataclass(frozen=True)
class Emoji:
    """All of them, row by row.

    Attributes:
        looks: one character each, (n,).
        names: as Unicode has them, (n,).
        groups: the place of its group in `GROUPS`, (n,).
        vectors: of the names, each of length 1, (n, 384), float64.
    """

    looks: Array
    names: Array
    groups: Array
    vectors: Array


@cache
def emoji() -> Emoji:
    """Read them, once."""
    import numpy as np

    with np.load(FILE) as kept:
        vectors = kept["vectors"].astype(np.float64)
        return Emoji(
            looks=kept["emoji"],
            names=kept["names"],
            groups=np.array([GROUPS.index(word) for word in kept["groups"]]),
            vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        )


def drawn(seed: int, each: int) -> Array:
    """Rows of so many emoji of every group, shuffled."""
    import numpy as np

    rng = np.random.default_rng(seed)
    groups = emoji().groups
    rows = [rng.permutation(np.flatnonzero(groups == g))[:each] for g in range(len(GROUPS))]
    return rng.permutation(np.concatenate(rows))
