"""Boxes that score pictures against sentences: some see a thing by how they are made, one learnt.

Each is asked about pairs of facts: both pictures against both sentences. What a made box sees is
known, and what the learnt one sees was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.emoji import Encoder
from agentlab_tools.knowledge.embed import open_embedder

from . import space
from .scenes import Fact, picture, sentence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

KINDS = ("thing", "colour", "count", "side", "not", "owner")
"""What a box may see: which thing, its colour, how many, what is left of what, what is not there,
and which of two things a colour belongs to."""
SEEN = frozenset({"thing", "colour"})
"""By the learnt space: 1.00 of 2,000 pairs in `measure.py`; the others 0.17 to 0.52."""
_NOISE = 0.45
_LIKING = 1.5
_FIRST = (1.7, 0.3)
"""What the first thing in a sentence counts for a box that hardly reads on, and the others."""


@dataclass(frozen=True)
class Made:
    """A box that sees what it is told to, and has a liking.

    Attributes:
        likes: "many" (sentences with a three in them), "red" (sentences with that colour), "busy"
            (pictures with much in them), "first" (the thing that is named first), or nothing.
    """

    sees: frozenset[str]
    likes: str
    rng: Any = field(compare=False, repr=False)

    def score(self, shown: Fact, said: Fact, colours: Sequence[str]) -> float:
        """How well a sentence fits a picture, it thinks."""
        there = {one.name for one in shown if not one.missing}
        made = float(self.rng.normal()) * _NOISE
        if "thing" in self.sees:
            for place, one in enumerate(said):
                weight = _FIRST[min(place, 1)] if self.likes == "first" else 1.0
                if one.missing and "not" in self.sees:
                    made -= 1.5 * (one.name in there)
                else:
                    made += 2 * weight * (one.name in there)
        if "colour" in self.sees:
            made += len({one.colour for one in shown} & {one.colour for one in said} - {None})
        if "owner" in self.sees:
            pairs = [{(one.name, one.colour) for one in f if one.colour} for f in (shown, said)]
            made += len(pairs[0] & pairs[1])
        if "count" in self.sees:
            made += 2 * (_many(shown) == _many(said))
        if "side" in self.sees:
            made += 2 * _in_order(shown, said)
        return made + self._liking(shown, said, colours)

    def _liking(self, shown: Fact, said: Fact, colours: Sequence[str]) -> float:
        match self.likes:
            case "many":
                return _LIKING * (_many(said) - 1)
            case "red":
                return _LIKING * sum(one.colour == colours[0] for one in said)
            case "busy":
                return _LIKING * _many(shown)
            case _:
                return 0.0

    def scores(self, pairs: Sequence[tuple[Fact, Fact]], colours: Sequence[str]) -> Array:
        """(pairs, 2 pictures, 2 sentences)."""
        import numpy as np

        return np.array(
            [[[self.score(f, g, colours) for g in pair] for f in pair] for pair in pairs]
        )


def _many(fact: Fact) -> int:
    return sum(one.count or 1 for one in fact if not one.missing)


def _in_order(shown: Fact, said: Fact) -> int:
    """1 if things stand in a picture as they are named, -1 if the other way round."""
    one, other = ([thing.name for thing in f if not thing.missing] for f in (shown, said))
    both = [name for name in one if name in other]
    if len(both) < 2:
        return 0
    return 1 if both == [name for name in other if name in one] else -1


class Learnt:
    """The space that was learnt from all emoji. It keeps what it has seen and read."""

    sees = SEEN

    def __init__(self) -> None:
        self._encoder, self._embedder = Encoder(), open_embedder(threads=1)
        self._seen: dict[Fact, Array] = {}
        self._read: dict[str, Array] = {}

    def scores(self, pairs: Sequence[tuple[Fact, Fact]], colours: Sequence[str]) -> Array:
        """(pairs, 2 pictures, 2 sentences): cosines."""
        import numpy as np

        from .towers import unit

        shown = [[tuple(one for one in fact if not one.missing) for fact in pair] for pair in pairs]
        said = [[sentence(fact) for fact in pair] for pair in pairs]
        new = sorted({one for pair in shown for one in pair} - self._seen.keys(), key=sentence)
        if new:
            rows = self._encoder.features(np.stack([picture(one) for one in new]))
            self._seen.update(zip(new, unit(space.whole().see(rows)), strict=True))
        words = sorted({one for pair in said for one in pair} - self._read.keys())
        if words:
            rows = self._embedder.embed(words)
            self._read.update(zip(words, unit(space.whole().read(rows)), strict=True))
        return np.array(
            [
                [[float(self._seen[f] @ self._read[g]) for g in told] for f in looks]
                for looks, told in zip(shown, said, strict=True)
            ]
        )


@cache
def learnt() -> Learnt:
    """The one box that is no invention."""
    return Learnt()


Box: TypeAlias = Made | Learnt


def boxes(seed: int) -> list[tuple[str, Box]]:
    """Six, each by a name, in any order: five made ones, and the learnt one."""
    import numpy as np

    rng = np.random.default_rng(seed)
    some = frozenset(kind for kind in KINDS[1:] if rng.random() < 0.5) | {"thing"}
    made = (
        (frozenset({"thing"}), "many"),
        (frozenset({"thing", "colour"}), "first"),
        (frozenset(KINDS), "busy"),
        (frozenset({"colour", "count"}), "red"),
        (some | {"colour"} if "owner" in some else some, ""),
    )
    all_: list[Box] = [Made(sees, likes, rng) for sees, likes in made]
    all_.append(learnt())
    names = ("A", "B", "C", "D", "E", "F")
    return [(name, all_[place]) for name, place in zip(names, rng.permutation(6), strict=True)]
