"""What is learnt from, what is held back, and questions on it.

300 things are held back whole. Of the other 917, half are known in Google's drawing alone, so that
Twitter's is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.emoji import emoji
from agentlab_tools.knowledge.embed import open_embedder

from .mind import mind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

NEW = 300
FEATURES = 384
CHOICES = 5
_HALF = 458
_FILE = Path(__file__).with_name("features.npz")


@dataclass(frozen=True)
class Picture:
    """A drawing of a thing, by the numbers of both."""

    maker: int
    thing: int


@dataclass(frozen=True)
class Question:
    """What does a picture show? The right one of the choices is at `right`."""

    picture: Picture
    choices: tuple[int, ...]
    right: int

    def names(self) -> list[str]:
        """The choices in words."""
        return [str(emoji().names[one]) for one in self.choices]


@cache
def features() -> Array:
    """What is seen of each drawing, (2 makers, things, 384), each column of spread 1."""
    import numpy as np

    with np.load(_FILE) as kept:
        larger = kept["features"] * kept["scale"]
    both = np.concatenate([emoji().features, larger], axis=2)
    return ((both - both.mean(axis=(0, 1))) / (both.std(axis=(0, 1)) + 1e-3)).astype(np.float32)


@dataclass(frozen=True)
class Split:
    """What is learnt from, and what is held back.

    Attributes:
        known: drawings that may be learnt from.
        drawings: those of known things that were never seen.
        things: both drawings of things that were never seen.
        words: names and other words of known things, each once.
    """

    known: tuple[Picture, ...]
    drawings: tuple[Picture, ...]
    things: tuple[Picture, ...]
    words: tuple[str, ...]

    def given(self) -> dict[str, Array]:
        """What a program learns from, as arrays."""
        import numpy as np

        told, things = emoji(), np.array([one.thing for one in self.known])
        return {
            "x": np.stack([features()[one.maker, one.thing] for one in self.known]),
            "y": told.of_names[things],
            "z": told.of_words[things],
            "words": read(self.words),
            "tokens": np.stack([token(word) for word in self.words]),
            "names": np.stack([token(str(told.names[one])) for one in things]),
        }


@lru_cache(maxsize=8)
def split(seed: int) -> Split:
    """By a seed."""
    import numpy as np

    told = emoji()
    order: list[int] = np.random.default_rng(seed).permutation(len(told.names)).tolist()
    new, old = order[:NEW], order[NEW:]
    words: list[str] = sorted(
        {word for one in old for word in (str(told.names[one]), *told.words[one])}
    )
    return Split(
        known=tuple([Picture(0, one) for one in old] + [Picture(1, one) for one in old[:_HALF]]),
        drawings=tuple(Picture(1, one) for one in old[_HALF:]),
        things=tuple(Picture(maker, one) for one in new for maker in (0, 1)),
        words=tuple(sorted(words)),
    )


def questions(pictures: Sequence[Picture], count: int, seed: int) -> list[Question]:
    """So many, each on another picture; the wrong choices are held back in the same way."""
    import numpy as np

    rng = np.random.default_rng(seed)
    among = sorted({one.thing for one in pictures})
    made: list[Question] = []
    places: list[int] = rng.choice(len(pictures), count, replace=False).tolist()
    for place in places:
        picture = pictures[place]
        others = [one for one in among if one != picture.thing]
        choices: list[int] = rng.choice(others, CHOICES - 1, replace=False).tolist()
        right = int(rng.integers(CHOICES))
        choices.insert(right, picture.thing)
        made.append(Question(picture, tuple(choices), right))
    return made


_read: dict[str, Array] = {}
_token: dict[str, Array] = {}


def read(words: Sequence[str]) -> Array:
    """MiniLM's vectors of words, (n, 384); each is read once."""
    import numpy as np

    if new := [one for one in dict.fromkeys(words) if one not in _read]:
        _read.update(zip(new, open_embedder(threads=1).embed(new), strict=True))
    return np.stack([_read[one] for one in words])


def token(word: str) -> Array:
    """The word as one vector of the language model."""
    if word not in _token:
        _token[word] = mind().word(word)
    return _token[word]
