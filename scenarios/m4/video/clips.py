"""Clips of which it is known what is wrong with them: digits that were moved by the lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits import POINTS
from agentlab_tools.digits import SIDE as DIGIT
from agentlab_tools.digits.judge import read
from agentlab_tools.film.look import settled
from agentlab_tools.film.measures import alike
from agentlab_tools.film.moves import FRAMES, MOTIONS, SIDE, Start, begin, film, fresh, path, room

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_SURE, _UNLIKE, _NOISE = 0.95, 0.65, 0.01
_TRIES = 500
_ANOTHER = {
    "left": "right",
    "right": "left",
    "up": "down",
    "down": "up",
    "bounce": "circle",
    "circle": "left",
}
_TWICE = 2


@dataclass(frozen=True)
class Clip:
    """Frames, what they were to show, and what is to be said of them."""

    name: str
    state: str
    frames: Array
    digit: int
    motion: str


@lru_cache(maxsize=1)
def clear() -> tuple[Array, Array]:
    """Digits that the net never learnt, and of which the judge is sure in frames, too."""
    import numpy as np

    pictures, names = fresh()
    good = np.ones(len(names), bool)
    for size in (0.65, 1.2):
        seen = film(pictures, np.array([[(9.5, 9.5, size)]] * len(names)))[:, 0]
        good &= read(settled(seen))[np.arange(len(names)), names] > _SURE
    return pictures[good], names[good]


@lru_cache(maxsize=1)
def _seen() -> Array:
    """The same, settled."""
    pictures, _ = clear()
    return settled(pictures.reshape(-1, DIGIT, DIGIT))


@lru_cache(maxsize=len(MOTIONS))
def meant(motion: str) -> Array:
    """How far to the right and down a digit goes, frame by frame: (8, 2)."""
    import numpy as np

    at = path(np.ones(POINTS), motion, Start(9.5, 9.5, 0.05))[:, :2]
    return at - at[0]


@dataclass(frozen=True)
class Take:
    """A digit that goes from `start` as a motion has it, from which bad clips are made."""

    row: int
    motion: str
    start: Start
    dice: Any

    @classmethod
    def drawn(cls, motion: str, dice: Any) -> Take:
        """One with room for its motion."""
        pictures, names = clear()
        for _ in range(_TRIES):
            row = int(dice.integers(len(names)))
            start = begin(pictures[row], motion, dice)
            made = cls(row, motion, start, dice)
            if made._fits(made.way()):
                return made
        raise AssertionError("no digit has room")

    def way(self, pace: float = 1) -> Array:
        """Where it is in each frame, and how large: (8, 3)."""
        import numpy as np

        far = self.start.x, self.start.y
        size = np.full(FRAMES, self.start.scale)
        return np.column_stack([far + pace * meant(self.motion), size])

    def frames(self, way: Array | None = None, row: int | None = None) -> Array:
        """Its frames; or those of another way, or of another digit."""
        pictures, _ = clear()
        row, way = self.row if row is None else row, self.way() if way is None else way
        return film(pictures[[row]], way[None])[0]

    def other(self, same: bool) -> int:
        """Another digit that looks unlike: of the same kind, by another hand, or of another."""
        import numpy as np

        seen, (_, names) = _seen(), clear()
        fits = ((names == names[self.row]) == same) & (alike(seen, seen[[self.row]]) < _UNLIKE)
        rows = np.flatnonzero(fits)
        return int(self.dice.choice(rows)) if len(rows) else self.row

    def _fits(self, way: Array) -> bool:
        pictures, _ = clear()
        for x, y, size in way.tolist():
            x0, x1, y0, y1 = room(pictures[self.row], size)
            if not (x0 - 0.01 <= x <= x1 + 0.01 and y0 - 0.01 <= y <= y1 + 0.01):
                return False
        return True


def _still(take: Take) -> Array:
    return take.frames(take.way()[[0] * FRAMES])


def _at_once(take: Take) -> Array:
    return take.frames(take.way()[[0] + [FRAMES - 1] * (FRAMES - 1)])


def _in_disorder(take: Take) -> Array:
    return take.frames(take.way()[[0, 4, 2, 6, 1, 5, 3, 7]])


def _turned(take: Take, same: bool) -> Array:
    at = int(take.dice.integers(3, FRAMES - 1))
    frames = take.frames()
    frames[at:] = take.frames(row=take.other(same))[at:]
    return frames


def _fading(take: Take) -> Array:
    import numpy as np

    share = np.linspace(0, 1, FRAMES)[:, None, None]
    return (1 - share) * take.frames() + share * take.frames(row=take.other(same=False))


def _darkened(take: Take, shades: list[float]) -> Array:
    import numpy as np

    return take.frames() * np.array([1.0] * (FRAMES - len(shades)) + shades)[:, None, None]


_STRAIGHT = ("left", "right", "up", "down")
_OTHERWISE = "it goes another way"
_BAD: dict[str, tuple[str, tuple[str, ...], Callable[[Take], Array]]] = {
    "it stands still": ("moves", MOTIONS, _still),
    _OTHERWISE: ("moves", MOTIONS, lambda one: one.frames()),
    "it is there at once": ("moves", _STRAIGHT, _at_once),
    "it gets there in disorder": ("moves", (*_STRAIGHT, "circle"), _in_disorder),
    "it goes half as far": ("moves", MOTIONS, lambda one: one.frames(one.way(pace=0.5))),
    "it becomes another's": ("changes", MOTIONS, lambda one: _turned(one, same=True)),
    "it becomes another digit": ("changes", MOTIONS, lambda one: _turned(one, same=False)),
    "it fades into another digit": ("changes", MOTIONS, _fading),
    "it is another digit": ("other", MOTIONS, lambda one: one.frames(row=one.other(same=False))),
    "the end is blank": ("gone", MOTIONS, lambda one: _darkened(one, [0.0, 0.0])),
    "it pales": ("gone", MOTIONS, lambda one: _darkened(one, [0.8, 0.6, 0.4, 0.2, 0.1, 0.05])),
}
"""What is said of each kind, which motions it is made of, and how."""


@lru_cache(maxsize=2)
def clips(seed: int) -> tuple[Clip, ...]:
    """Good clips, one of each motion, and two of each kind of bad ones, in an order drawn."""
    import numpy as np

    dice = np.random.default_rng(seed)
    made = [_clip("a good clip", "well", motion, dice, Take.frames) for motion in MOTIONS]
    for name, (state, motions, bad) in _BAD.items():
        some = dice.choice(motions, _TWICE, replace=False).tolist()
        made += [_clip(name, state, motion, dice, bad) for motion in some]
    order: list[int] = dice.permutation(len(made)).tolist()
    return tuple(made[at] for at in order)


def _clip(name: str, state: str, motion: str, dice: Any, bad: Callable[[Take], Array]) -> Clip:
    mine = _ANOTHER[motion] if name == _OTHERWISE else motion
    take = Take.drawn(mine, dice)
    while take.other(same=True) == take.row:  # nobody else writes it so that it looks unlike
        take = Take.drawn(mine, dice)
    frames = bad(take) + dice.normal(size=(FRAMES, SIDE, SIDE)) * _NOISE
    _, names = clear()
    return Clip(name, state, frames.clip(0, 1), int(names[take.row]), motion)
