"""Handwritten digits that move: clips of 20 by 20 points whose truth is known, frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits import SIDE as DIGIT
from agentlab_tools.digits import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SIDE = 20
"""Points of a frame, each way."""
FRAMES = 8
"""What the net sees at once."""
MOTIONS = ("left", "right", "up", "down", "bounce", "circle")
DRIFT = 1.0
"""Points a frame, of what goes straight; it stops at the edge."""
HEIGHT, FALLS = 7.0, 7
"""How high a digit bounces, and how many frames from top to top."""
RADIUS, ROUND = 3.0, 12
"""Of a circle, clockwise, and how many frames it takes."""
_KNOWN, _FRESH = 3000, 1000
_STRAIGHT = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def unseen(digit: int, motion: int) -> bool:
    """Whether the net never saw this digit move so: one pair in six."""
    return (digit + motion) % len(MOTIONS) == 0


def known() -> tuple[Array, Array]:
    """The 3,000 digits that the net learnt from, and what they are."""
    return drawn(0, _KNOWN, _FRESH, "float32")[:2]


def fresh() -> tuple[Array, Array]:
    """The 1,000 others."""
    return drawn(0, _KNOWN, _FRESH, "float32")[2:]


@dataclass(frozen=True)
class Start:
    """Where a digit is in the first frame, how large, and how far in its round."""

    x: float
    y: float
    scale: float
    phase: int = 0


def extent(picture: Array) -> tuple[float, float, float, float]:
    """How far a digit's ink reaches from the middle of its picture: left, right, up, down."""
    import numpy as np

    rows, columns = np.nonzero(np.asarray(picture).reshape(DIGIT, DIGIT) > 0.2)
    middle = (DIGIT - 1) / 2
    return (
        middle - float(columns.min()),
        float(columns.max()) - middle,
        middle - float(rows.min()),
        float(rows.max()) - middle,
    )


def room(picture: Array, scale: float) -> tuple[float, float, float, float]:
    """Where a digit's middle may be for all of its ink to be seen: from x, to x, from y, to y."""
    left, right, up, down = (scale * far for far in extent(picture))
    return left, SIDE - 1 - right, up, SIDE - 1 - down


def path(picture: Array, motion: str, start: Start, frames: int = FRAMES) -> Array:
    """Where a digit's middle is in each frame, and how large it is: (frames, 3)."""
    import numpy as np

    x0, x1, y0, y1 = room(picture, start.scale)
    at = np.zeros((frames, 3))
    for k in range(frames):
        x, y, scale, round = start.x, start.y, start.scale, k + start.phase
        if motion in _STRAIGHT:
            right, down = _STRAIGHT[motion]
            x, y = x + right * DRIFT * k, y + down * DRIFT * k
            x, y = min(max(x, x0), x1), min(max(y, y0), y1)
        elif motion == "bounce":
            y = y1 - _high(y0, y1, round)
        elif motion == "circle":
            x += RADIUS * (_sine(round) - _sine(start.phase))
            y += RADIUS * (_sine(start.phase + ROUND / 4) - _sine(round + ROUND / 4))
        at[k] = x, y, scale
    return at


def _high(y0: float, y1: float, round: int) -> float:
    """How far above the floor it is."""
    return min(HEIGHT, y1 - y0) * (1 - (2 * _from_top(round) / FALLS) ** 2)


def _from_top(round: int) -> float:
    """Frames since it was, or until it is, at the top."""
    u = round % FALLS
    return min(u, FALLS - u)


def _sine(round: float) -> float:
    return math.sin(2 * math.pi * round / ROUND)


def begin(
    picture: Array, motion: str, dice: Any, frames: int = FRAMES, *, fresh: bool = True
) -> Start:
    """A place to start from, drawn, such that the digit is never cut off.

    Args:
        fresh: a round begins at its beginning, and what goes straight has room for all of its way.
            Else it is somewhere on its way.
    """
    scale, phase = float(dice.uniform(0.8, 1.15)), 0
    if motion in ("bounce", "circle") and not fresh:
        phase = int(dice.integers(FALLS if motion == "bounce" else ROUND))
    x0, x1, y0, y1 = room(picture, scale)
    right, down = (DRIFT * (frames - 1) * far for far in _STRAIGHT.get(motion, (0, 0)))
    if not fresh:
        right = down = 0.0
    x = _between(x0 - min(right, 0), x1 - max(right, 0), dice)
    y = _between(y0 - min(down, 0), y1 - max(down, 0), dice)
    if motion == "bounce":
        y = y1 - _high(y0, y1, phase)
    if motion == "circle":
        x = _between(x0 + RADIUS, x1 - RADIUS, dice) + RADIUS * _sine(phase)
        y = _between(y0 + RADIUS, y1 - RADIUS, dice) - RADIUS * _sine(phase + ROUND / 4)
    return Start(x, y, scale, phase)


def _between(low: float, high: float, dice: Any) -> float:
    return float(dice.uniform(low, high)) if low < high else (low + high) / 2


def clips(
    dice: Any, rows: int, pictures: Array, names: Array, *, every: bool = False, begun: Any = None
) -> tuple[Array, tuple[Array, Array]]:
    """Clips drawn, (rows, 8, 20, 20), with the numbers of their digits and motions.

    Args:
        every: also pairs of digit and motion that the net is not shown.
        begun: which clips show a digit that is on its way; none, where nothing is said.
    """
    import numpy as np

    fresh = [True] * rows if begun is None else (~begun).tolist()
    which: Array = dice.integers(len(names), size=rows)
    motions: Array = dice.integers(len(MOTIONS), size=rows)
    for row, digit in enumerate(names[which].tolist()):
        while not every and unseen(digit, int(motions[row])):
            motions[row] = dice.integers(len(MOTIONS))
    at: list[Array] = []
    chosen: list[int] = which.tolist()
    for row, number, first in zip(chosen, motions.tolist(), fresh, strict=True):
        motion = MOTIONS[int(number)]
        start = begin(pictures[row], motion, dice, fresh=bool(first))
        at.append(path(pictures[row], motion, start))
    return film(pictures[which], np.array(at)), (names[which], motions)


def film(pictures: Array, at: Array) -> Array:
    """Frames of several digits, (n, frames, 20, 20), between whose points shades are mixed.

    Args:
        pictures: (n, 196).
        at: (n, frames, 3): x and y of the middle, and the size.
    """
    import numpy as np

    n, edge = len(at), 1
    wide = np.zeros((n, DIGIT + 2 * edge, DIGIT + 2 * edge), np.float32)
    wide[:, edge:-edge, edge:-edge] = pictures.reshape(n, DIGIT, DIGIT)
    grid = np.arange(SIDE, dtype=np.float32)
    middle, last = (DIGIT - 1) / 2 + edge, DIGIT + 2 * edge - 1.001
    x = np.clip((grid - at[..., :1]) / at[..., 2:] + middle, 0, last)
    y = np.clip((grid - at[..., 1:2]) / at[..., 2:] + middle, 0, last)
    left, top = x.astype(int), y.astype(int)
    along, down = (x - left)[:, :, None, :], (y - top)[:, :, :, None]
    which: Array = np.arange(n)[:, None, None, None]
    left, top = left[:, :, None, :], top[:, :, :, None]

    def taken(lower: int, further: int) -> Array:
        return wide[which, top + lower, left + further]

    upper = taken(0, 0) * (1 - along) + taken(0, 1) * along
    lower = taken(1, 0) * (1 - along) + taken(1, 1) * along
    return (upper * (1 - down) + lower * down).astype(np.float32)
