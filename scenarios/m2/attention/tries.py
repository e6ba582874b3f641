"""What `attend` is tried on: arrays of every shape that a model has for it, then the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .model import attend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

CLOSE = 1e-3
"""How far off a result may be, of its length: room for 32-bit numbers in any order."""


@dataclass(frozen=True)
class Try:
    """One call of `attend`.

    Attributes:
        queries, keys: the shapes of q, and of k and v.
        times: how much longer the questions are than drawn.
    """

    title: str
    queries: tuple[int, ...]
    keys: tuple[int, ...]
    times: float = 1.0


TRIES = (
    Try("one text, a key for every head", (3, 7, 16), (3, 7, 16)),
    Try("a batch of texts", (2, 3, 5, 8), (2, 3, 5, 8)),
    Try("nine heads that share three keys", (9, 6, 64), (3, 6, 64)),
    Try("large scores", (2, 6, 16), (2, 6, 16), times=900.0),
    Try("only the last two tokens ask", (6, 2, 8), (2, 9, 8)),
    Try("a batch of two, one token asks", (2, 6, 1, 8), (2, 3, 9, 8)),
)


def drawn(seed: int) -> list[tuple[Array, Array, Array]]:
    """q, k and v of each try."""
    import numpy as np

    dice = np.random.default_rng(seed)
    return [
        tuple(
            (dice.normal(size=shape) * times).astype(np.float32)
            for shape, times in ((one.queries, one.times), (one.keys, 1), (one.keys, 1))
        )
        for one in TRIES
    ]  # type: ignore[return-value]


def complaint(given: Sequence[tuple[Array, Array, Array]], made: Sequence[Array]) -> str | None:
    """What is wrong with the first of the results that is not as it should be."""
    for one, arrays, found in zip(TRIES, given, _paired(made), strict=True):
        wanted = attend(*(part.astype("float64") for part in arrays))
        for name, place in (("the weights", 1), ("what is made", 0)):
            wrong = difference(found[place], wanted[place])
            if wrong:
                return f"{one.title}: {name}: {wrong}"
    return None


def _paired(made: Sequence[Array]) -> list[tuple[Array, Array]]:
    return list(zip(made[::2], made[1::2], strict=True))


def difference(found: Array, wanted: Array) -> str | None:
    """How an array differs from what it should be, in words; None if it does not."""
    import numpy as np

    if found.shape != wanted.shape:
        return f"the shape is {found.shape}, not {wanted.shape}"
    if not np.isfinite(found).all():
        return "there are numbers in it that are none (nan or inf)"
    off = float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
    return f"off by {off:.1%} of its length" if off > CLOSE else None
