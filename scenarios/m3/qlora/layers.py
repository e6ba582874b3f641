"""A layer in four bits with an adapter: what it is given, and what it should make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from .rounding import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Given:
    """A layer, its adapter's size, and what goes through it.

    Attributes:
        arrays: `w` (out, in), `x` (2, 12, in) and `g` (2, 12, out), the slope of the loss.
    """

    arrays: Mapping[str, Array]
    rank: int
    alpha: float

    @property
    def out(self) -> int:
        """The numbers that come out."""
        return self.arrays["w"].shape[0]

    @property
    def width(self) -> int:
        """The numbers that come in."""
        return self.arrays["w"].shape[1]


def drawn(seed: int) -> Given:
    """A layer of its own sizes; what goes through it is rounded to what bfloat16 can say."""
    import numpy as np

    rng, dice = Random(seed), np.random.default_rng(seed)  # noqa: S311 - the seed is the point
    out, width = 64 * rng.randint(4, 7), 64 * rng.randint(8, 11)
    arrays = {
        "w": (dice.normal(size=(out, width)) * 0.05).astype(np.float32),
        "x": _sixteen(dice.normal(size=(2, 12, width))),
        "g": _sixteen(dice.normal(size=(2, 12, out))),
    }
    return Given(arrays, rng.choice((4, 8)), float(rng.choice((12, 20, 32))))


def _sixteen(numbers: Array) -> Array:
    """Numbers as bfloat16 has them: float32 with the last 16 bits cut off."""
    import numpy as np

    return (numbers.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)


def measured(given: Given, made: Mapping[str, Array], found: Mapping[str, Any]) -> dict[str, Any]:
    """How far off everything is that a layer made, of its length; and what it holds.

    Args:
        made: `start` and `made`, what it made before and after numbers were drawn into its
            adapter; `a` and `b`, these numbers; `back`, `a_slope` and `b_slope`.
    """
    import numpy as np

    off = {
        name: float(np.linalg.norm(made[name] - right) / np.linalg.norm(right))
        for name, right in wanted(given, made).items()
        if name in made and made[name].shape == right.shape and np.isfinite(made[name]).all()
    }
    kept = {name: int(found.get(name, 0)) for name in ("held", "left", "learnt", "bits")}
    whole = {"count": given.out * given.width, "wanted": given.rank * (given.out + given.width)}
    return {**kept, **whole, "off": off}


def wanted(given: Given, made: Mapping[str, Array]) -> dict[str, Array]:
    """What is right, from the numbers in the adapter."""
    import numpy as np

    scale, w = given.alpha / given.rank, rounded(given.arrays["w"])
    x, g = (given.arrays[name].reshape(-1, given.arrays[name].shape[-1]) for name in "xg")
    shape = given.arrays["g"].shape
    right = {"start": (x @ w.T).reshape(shape)}
    a, b = (np.asarray(made.get(name, np.zeros(0)), dtype=float) for name in "ab")
    if a.shape == (given.rank, given.width) and b.shape == (given.out, given.rank):
        right |= {
            "made": right["start"] + scale * (x @ a.T @ b.T).reshape(shape),
            "back": (g @ w + scale * (g @ b @ a)).reshape(given.arrays["x"].shape),
            "a_slope": scale * (g @ b).T @ x,
            "b_slope": scale * g.T @ (x @ a.T),
        }
    else:
        right |= dict.fromkeys(("made", "back", "a_slope", "b_slope"), np.zeros(1))
    return right
