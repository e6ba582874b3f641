"""Films that the net draws: what a plan makes of a noise, and how good the films of plans are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.film.moves import FRAMES, MOTIONS, SIDE, begin, film, path
from agentlab_tools.film.painter import Order, Painter, together

from .clips import clear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

WEIGHTS = Path(__file__).with_name("film.npz")
LONG = 12


@lru_cache(maxsize=1)
def painter() -> Painter:
    """The net that is packed with the lab."""
    return Painter(WEIGHTS)


@dataclass(frozen=True)
class Task:
    """A film to draw: a noise in which some frames are given, and the orders of a plan."""

    name: str
    digit: int
    motion: int
    x: Array
    levels: list[float]
    plan: Sequence[Order]

    def film(self) -> Array:
        """What the net makes of it."""
        import numpy as np

        told = np.array([self.digit]), np.array([self.motion])
        return painter().draws(self.x[None], np.array(self.levels), self.plan, *told)[0]


@lru_cache(maxsize=2)
def tasks(seed: int) -> tuple[Task, ...]:
    """One film for each plan."""
    import numpy as np

    dice = np.random.default_rng(seed)
    return tuple(
        _task(name, frames, given, plan, dice) for name, (frames, given, plan) in PLANS.items()
    )


def _task(name: str, frames: int, given: int, plan: Sequence[Order], dice: Any) -> Task:
    pictures, names = clear()
    row, motion = int(dice.integers(len(names))), int(dice.integers(len(MOTIONS)))
    start = begin(pictures[row], MOTIONS[motion], dice, FRAMES)
    truth = film(pictures[[row]], path(pictures[row], MOTIONS[motion], start, frames)[None])[0]
    x = dice.normal(size=(frames, SIDE, SIDE)).astype("float32")
    x[:given] = truth[:given] * 2 - 1
    levels = [0.0] * given + [1.0] * (frames - given)
    return Task(name, int(names[row]), motion, x, levels, plan)


def one_by_one(moments: int) -> list[Order]:
    """The plan of a clip whose frames are drawn each after the last."""
    plan: list[Order] = []
    for k in range(1, FRAMES):
        rows = [
            [0.0] * k + [1 - n / moments] + [1.0] * (FRAMES - k - 1) for n in range(moments + 1)
        ]
        plan += [(0, now, then) for now, then in pairwise(rows)]
    return plan


def _stairs(moments: int) -> list[Order]:
    last = moments + FRAMES - 2
    rows = [
        [0.0, *(min(1.0, max(0.0, 1 - (n - k) / moments)) for k in range(FRAMES - 1))]
        for n in range(last + 1)
    ]
    return [(0, now, then) for now, then in pairwise(rows)]


def windows(frames: int, keep: int, moments: int) -> list[Order]:
    """The plan of a film of eight frames, and of further ones behind so many that are kept."""
    plan, done = together(1, moments), FRAMES
    while done < frames:
        first = min(done - keep, frames - FRAMES)
        plan += [(first, *order[1:]) for order in together(done - first, moments)]
        done = first + FRAMES
    return plan


def _told_more() -> list[Order]:
    return [(0, [0.15, *told[1:]], after) for _, told, after in together(1, 6)]


def _uneven() -> list[Order]:
    """Orders that name higher levels than frames have; those stay as they are."""
    rows = [1.0, 0.7, 0.45, 0.2, 0.0]
    plan: list[Order] = []
    for n, (now, then) in enumerate(pairwise(rows)):
        plan.append((0, [0.0] + [now] * 7, [0.6] + [then] * 3 + [now + 0.2 * (n % 2)] * 4))
        plan.append((0, [0.0] + [then] * 3 + [now] * 4, [0.3] + [now] * 3 + [then] * 4))
    return plan


PLANS: dict[str, tuple[int, int, Sequence[Order]]] = {
    "all at once": (FRAMES, 1, together(1, 8)),
    "one after the other": (FRAMES, 1, one_by_one(3)),
    "a staircase": (FRAMES, 1, _stairs(4)),
    "told of more noise": (FRAMES, 1, _told_more()),
    "levels that rise": (FRAMES, 1, _uneven()),
    "twelve frames": (LONG, 1, windows(LONG, 4, 4)),
    "nothing given": (FRAMES, 0, together(0, 8)),
}
"""Plans that films are drawn by: how many frames, how many of them given, and the orders."""


def differs(frames: Array, right: Array) -> str:
    """In what a film is not the one that the net makes of its noise; empty where it is that one."""
    import numpy as np

    if frames.shape != right.shape:
        return f"a film of shape {frames.shape}, not {right.shape}"
    if not np.isfinite(frames).all():
        at = int(np.flatnonzero(~np.isfinite(frames).all(axis=(1, 2)))[0])
        return f"frame {at} has points that are no numbers"
    off = np.abs(frames - right).max(axis=(1, 2))
    if off.max() <= CLOSE:
        return ""
    at = int(np.flatnonzero(off > CLOSE)[0])
    return f"a point of frame {at} is {off[at]:.2g} from where the net has it"


CLOSE = 2e-3
"""Shades go from -1 to 1."""
