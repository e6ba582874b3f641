"""Facts, the pictures that show them, and the sentences that say them.

A fact is one to three things from left to right, each such as "dog", "red dog", "3 dog" or
"no dog". Its picture is 96 by 32 points, three places in a row; what is not there is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError
from agentlab_tools.emoji import SIDE, emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

PLACES = 3
NAMES = (
    *("dog", "cat", "rabbit", "snail", "owl", "duck", "frog", "pig", "cow", "snake", "turtle"),
    *("crab", "spider", "banana", "carrot", "lemon", "pear", "pizza", "doughnut", "cookie"),
    *("bus", "tractor", "bicycle", "airplane", "sailboat", "rocket", "guitar", "violin", "hammer"),
    *("umbrella", "key", "bell", "balloon", "crown", "robot", "bomb"),
)
SHADES = {
    "red": (230, 40, 40),
    "blue": (50, 100, 240),
    "green": (50, 170, 60),
    "yellow": (250, 205, 30),
    "purple": (145, 55, 190),
}
COUNTS = ("one", "two", "three")
_WHITE = 248


@dataclass(frozen=True)
class Thing:
    """One of the things in a fact; a count is said only where it was given."""

    name: str
    colour: str | None = None
    count: int | None = None
    missing: bool = False


Fact: TypeAlias = tuple[Thing, ...]


def fact_of(said: object, names: Sequence[str], colours: Sequence[str]) -> Fact:
    """A fact, as it was written.

    Raises:
        ToolError: it is none.
    """
    parts = list(map(str, cast(list[object], said))) if isinstance(said, list | tuple) else []
    if not 1 <= len(parts) <= PLACES:
        raise ToolError(f"a fact is a list of one to three things, not {str(parts)[:60]}")
    fact = tuple(_thing(part, names, colours) for part in parts)
    if not 1 <= sum(one.count or 1 for one in fact if not one.missing) <= PLACES:
        raise ToolError(f"{parts}: one to three things must be there, so that it can be drawn")
    return fact


def _thing(part: str, names: Sequence[str], colours: Sequence[str]) -> Thing:
    match part.split():
        case [name] if name in names:
            return Thing(name)
        case ["no", name] if name in names:
            return Thing(name, missing=True)
        case ["1" | "2" | "3" as count, name] if name in names:
            return Thing(name, count=int(count))
        case [colour, name] if colour in colours and name in names:
            return Thing(name, colour=colour)
        case _:
            raise ToolError(f"{part[:40]!r} is no thing: a name, with a colour, a number or 'no'")


def sentence(fact: Fact) -> str:
    """What is said of it: "a red dog to the left of a cat", "three dogs", "a dog and no cat"."""
    joint = " and " if any(one.missing for one in fact) else " to the left of "
    return joint.join(_words(one) for one in fact)


def _words(one: Thing) -> str:
    if one.missing:
        return f"no {one.name}"
    if one.count is not None:
        return f"{COUNTS[one.count - 1]} {one.name}{'s' if one.count > 1 else ''}"
    return " ".join(filter(None, (_article(one.colour or one.name), one.colour, one.name)))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def picture(fact: Fact) -> Array:
    """What shows it, (32, 96, 3): one thing in the middle, two at the ends."""
    import numpy as np

    drawn = [one for one in fact if not one.missing for _ in range(one.count or 1)]
    places = {1: (1,), 2: (0, 2), 3: (0, 1, 2)}[len(drawn)]
    made = np.full((SIDE, PLACES * SIDE, 3), 255, np.uint8)
    for place, one in zip(places, drawn, strict=True):
        tile = _tile(one.name)
        made[:, place * SIDE : (place + 1) * SIDE] = tinted(tile, one.colour)
    return made


@cache
def _tile(name: str) -> Array:
    known = emoji()
    return known.pictures[0, known.names.tolist().index(name)]


def tinted(tile: Array, colour: str | None) -> Array:
    """The same in shades of one colour, dark ones towards black and light ones towards white."""
    import numpy as np

    if colour is None:
        return tile
    shades = tile.astype(float)
    light = shades.mean(axis=2, keepdims=True) / 255
    tone = np.array(SHADES[colour], dtype=float)
    dark, bright = 2 * light * tone, tone + (2 * light - 1) * 0.8 * (255 - tone)
    paper = shades.min(axis=2, keepdims=True) > _WHITE
    made: list[Array] = [np.where(light < 0.5, dark, bright)]
    return np.where(paper, 255, made[0]).astype(np.uint8)
