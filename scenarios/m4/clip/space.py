"""Pairs to learn from, a space that was learnt from them, and how much is found in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.emoji import emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

NEW = 300
"""Things that are held back, of 1,217."""
TEMPERATURE = 0.1
WIDTH = 128
_ROUNDS, _BATCH, _DROPPED = 12, 256, 0.3
READ: tuple[str, ...] = ("of_names", "of_words")


@dataclass(frozen=True)
class Pairs:
    """What is learnt from, and what is held back.

    Attributes:
        x: features of pictures, (pairs, 192); each thing is in it four times.
        y: vectors of what is said of them, (pairs, 384).
        new: which things are held back.
    """

    x: Array
    y: Array
    new: Array


@dataclass(frozen=True)
class Space:
    """Two projections into one space: `see` for pictures, `read` for texts; rows of any length."""

    weights: tuple[Array, Array]
    middles: tuple[Array, Array]
    spread: Array

    def see(self, pictures: Array) -> Array:
        """Features (n, 192) as rows of the space."""
        return (pictures - self.middles[0]) / self.spread @ self.weights[0]

    def read(self, texts: Array) -> Array:
        """MiniLM's vectors (n, 384) as rows of the space."""
        return (texts - self.middles[1]) @ self.weights[1]

    def arrays(self) -> Mapping[str, Array]:
        """What a sandbox needs to do the same."""
        return {
            "p": self.weights[0] / self.spread[:, None],
            "p0": self.middles[0],
            "q": self.weights[1],
            "q0": self.middles[1],
        }


def pairs(seed: int, new: int = NEW) -> Pairs:
    """Two makers' pictures with names and with other words, in any order; some things held back."""
    import numpy as np

    known, rng = emoji(), np.random.default_rng(seed)
    things = rng.permutation(len(known.names))
    back, rest = things[:new], things[new:]
    x = np.concatenate([known.features[maker][rest] for maker in (0, 1) for _ in READ])
    y = np.concatenate([getattr(known, name)[rest] for _ in (0, 1) for name in READ])
    order = rng.permutation(len(x))
    return Pairs(x[order], y[order], back)


def fitted(x: Array, y: Array, seed: int = 0, rounds: int = _ROUNDS) -> Space:
    """A space learnt by contrast from pairs."""
    import numpy as np

    from . import towers

    rng = np.random.default_rng(seed)
    middles = x.mean(axis=0), y.mean(axis=0)
    spread = (x.std(axis=0) + 1e-3) * np.float32(x.shape[1] ** 0.5)
    x, y = (x - middles[0]) / spread, y - middles[1]
    weights = [
        rng.normal(size=(rows.shape[1], WIDTH)).astype(np.float32)
        / np.float32(rows.shape[1] ** 0.5)
        for rows in (x, y)
    ]
    adam = towers.Adam(weights)
    for _ in range(rounds):
        order = rng.permutation(len(x))
        for at in range(0, len(x) - _BATCH + 1, _BATCH):
            seen, told = (_worn(rows[order[at : at + _BATCH]], rng) for rows in (x, y))
            _, slope, other = towers.contrast(seen @ weights[0], told @ weights[1], TEMPERATURE)
            adam.step([seen.T @ slope, told.T @ other])
    return Space((weights[0], weights[1]), middles, spread)


def _worn(rows: Array, rng: Any) -> Array:
    """Some of the numbers left out, so that nothing is learnt by heart."""
    import numpy as np

    kept = rng.random(rows.shape, dtype=np.float32) > _DROPPED
    return rows * kept / np.float32(1 - _DROPPED)


@lru_cache(maxsize=12)
def learnt(seed: int) -> tuple[Space, Array]:
    """A space, and the things that it has not seen."""
    drawn = pairs(seed)
    return fitted(drawn.x, drawn.y), drawn.new


@cache
def whole() -> Space:
    """The space learnt from all things there are."""
    drawn = pairs(0, new=0)
    return fitted(drawn.x, drawn.y)
