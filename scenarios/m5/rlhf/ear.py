"""The held-out judge: what a listener hears of a piece, added up. No program ever sees it.

A piece is an array (16, 4): a chord a quarter, as keys of a piano, the highest voice first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_KEY = (0, 2, 4, 5, 7, 9, 11)
_CHORDS = (
    *((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4), (0, 3)),
    *((0, 4, 7, 10), (0, 3, 7, 10), (0, 3, 6, 10), (0, 4, 7, 11), (0, 4, 10)),
)
"""What is heard as a chord, above its root: triads and sevenths, also without their fifth."""
WORTH = {
    "parallels": -0.75,
    "chords": 12.0,
    "in key": 15.0,
    "leaps": -12.0,
    "bass leaps": -6.0,
    "ends": 1.5,
    "stands still": -22.0,
    "says it again": -18.0,
    "crossed": -12.0,
    "stuck": -9.0,
}
"""Points for one of each; all but parallels and the end are shares of a piece."""
_ZERO = 20.9
"""Taken off, so that the composer as it comes gets about 0."""


def heard(pieces: Array) -> dict[str, Array]:
    """What is heard in each of (n, 16, 4)."""
    import numpy as np

    moves = np.diff(pieces, axis=1)
    far, moved = np.abs(moves), moves != 0
    tone = pieces % 12
    sounding = np.bitwise_or.reduce(1 << tone, axis=2)
    home = (tone[:, -1, 3] == 0) & np.isin(tone[:, -1], (0, 4, 7)).all(axis=1)
    other = np.array([len({*map(tuple, piece.tolist())}) for piece in pieces]) / pieces.shape[1]
    return {
        "parallels": parallels(pieces),
        "chords": _known()[sounding].mean(axis=1),
        "in key": np.isin(tone, (*_KEY, 8)).mean(axis=(1, 2)),
        "leaps": (far[..., :3] > 4).mean(axis=(1, 2)),
        "bass leaps": (far[..., 3] > 7).mean(axis=1),
        "ends": home.astype(float),
        "stands still": np.maximum(0, (~moved).all(axis=2).mean(axis=1) - 0.1),
        "says it again": np.maximum(0, 0.8 - other),
        "crossed": (np.diff(pieces, axis=2) > 0).mean(axis=(1, 2)),
        "stuck": np.maximum(0, 0.5 - moved[..., 0].mean(axis=1)),
    }


def points(pieces: Array) -> Array:
    """What a listener gives each piece. A lead of one is a chance of 73 % to be preferred."""
    import numpy as np

    found = heard(pieces)
    return np.sum([WORTH[name] * share for name, share in found.items()], axis=0) - _ZERO


def parallels(pieces: Array) -> Array:
    """How many fifths and octaves in each piece move the same way to the same."""
    import numpy as np

    moves = np.diff(pieces, axis=1)
    found = np.zeros(len(pieces))
    for one in range(4):
        for other in range(one + 1, 4):
            apart = np.abs(pieces[:, :, one] - pieces[:, :, other]) % 12
            stays = (apart[:, 1:] == apart[:, :-1]) & np.isin(apart[:, 1:], (0, 7))
            found += (stays & (moves[..., one] * moves[..., other] > 0)).sum(axis=1)
    return found


def preferred(first: Array, second: Array, dice: Any) -> Array:
    """Whether a listener, who may be wrong about what is close, prefers the first of each pair."""
    import numpy as np

    chance = 1 / (1 + np.exp(points(second) - points(first)))
    return dice.random(len(chance)) < chance


def alike(pieces: Array) -> float:
    """The share of chords that two pieces have in common, at the same place."""
    import numpy as np

    others = np.roll(pieces, 1, axis=0)
    return float((others == pieces).all(axis=2).mean())


@cache
def _known() -> Array:
    import numpy as np

    found = np.zeros(1 << 12, dtype=bool)
    for root in range(12):
        for chord in _CHORDS:
            found[_bits((root + step) % 12 for step in chord)] = True
    return found


def _bits(tones: Iterable[int]) -> int:
    return sum(1 << tone for tone in tones)
