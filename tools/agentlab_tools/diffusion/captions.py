"""Pictures with their captions, to learn from: digits in colours, and emoji with their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits import SIDE, digits
from agentlab_tools.emoji import SIDE as LARGE
from agentlab_tools.emoji import emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COLOURS = {
    "red": (214, 40, 40),
    "orange": (244, 140, 6),
    "green": (46, 139, 62),
    "blue": (29, 92, 200),
    "purple": (130, 50, 170),
    "black": (30, 30, 34),
}
"""Of the ink, in shades from 0 to 255."""
UNSEEN = (
    *((0, 1), (1, 0), (2, 2), (2, 5), (3, 4), (4, 3)),
    *((5, 2), (6, 1), (7, 0), (7, 4), (8, 5), (9, 4)),
)
"""Digits and colours (by number) that never go together in what is learnt."""
KINDS = ("animal", "monkey", "cat", "plant", "food", "face", "heart", "sky & weather")
"""Of emoji: what Unicode's kinds begin with."""


@dataclass(frozen=True)
class Captioned:
    """Pictures and what is said of them.

    Attributes:
        pictures: (n, 3, side, side), shades from -1 to 1, float32.
        captions: what may be said, each once.
        said: the number of a caption for each picture, (n,).
        vectors: of each caption, in one or more ways of saying it, (ways, captions, numbers).
    """

    pictures: Array
    captions: list[str]
    said: Array
    vectors: Array


def caption(digit: int, colour: int) -> str:
    """What is said of a digit in a colour, such as `a red seven`."""
    name = tuple(COLOURS)[colour]
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} {WORDS[digit]}"


def tinted(shades: Array, colours: Array, dice: Any, *, vary: float = 14.0) -> Array:
    """Digits (n, 196) in ink of colours (n,) by number, on white: (n, 3, 14, 14), from -1 to 1.

    Args:
        vary: how far each ink is from its colour, in shades.
    """
    import numpy as np

    inks = np.array(list(COLOURS.values()), float)[colours]
    inks = (inks + dice.normal(size=inks.shape) * vary).clip(0, 255) / 255
    made = 1 - shades.reshape(-1, 1, SIDE, SIDE) * (1 - inks[:, :, None, None])
    return (2 * made - 1).astype(np.float32)


def prompts() -> list[str]:
    """What may be said of tinted digits: digit by digit, colour by colour."""
    return [caption(digit, colour) for digit in range(10) for colour in range(len(COLOURS))]


def as_words(texts: Sequence[str]) -> Array:
    """Which of the 16 words are in each text, as a vector of length 1 (or 0): (texts, 16)."""
    import numpy as np

    known = (*WORDS, *COLOURS)
    rows = np.array([[word in text.split() for word in known] for text in texts], np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)


@cache
def embed() -> Callable[[Sequence[str]], Array]:
    """MiniLM, on one thread, which reads prompts: vectors of length 1, (texts, 384).

    Raises:
        MissingExtra: what it needs is not installed.
    """
    from agentlab_tools.knowledge.embed import open_embedder

    return open_embedder(threads=1).embed


def digits_in_colours(seed: int, fold: int = 1) -> Captioned:
    """All packed digits, `fold` times each in a colour of chance; what is unseen is not there."""
    import numpy as np

    dice = np.random.default_rng(seed)
    shades, names = digits()
    names, shades = np.tile(names, fold), np.tile(shades, (fold, 1))
    free = np.ones((len(WORDS), len(COLOURS)), bool)
    for pair in UNSEEN:
        free[pair] = False
    colours = np.array([dice.choice(np.flatnonzero(free[digit])) for digit in names])
    said = names * len(COLOURS) + colours
    return Captioned(tinted(shades, colours, dice), prompts(), said, as_words(prompts())[None])


@cache
def chosen() -> Array:
    """The numbers of those emoji that are learnt: animals, plants, food, faces, hearts, the sky."""
    import numpy as np

    return np.flatnonzero([kind.startswith(KINDS) for kind in emoji().kinds.tolist()])


def emoji_with_names() -> Captioned:
    """Emoji by both makers, with their names or with other words for them."""
    import numpy as np

    known, some = emoji(), chosen()
    pictures = known.pictures[:, some].reshape(-1, LARGE, LARGE, 3).transpose(0, 3, 1, 2)
    return Captioned(
        (pictures / 127.5 - 1).astype(np.float32),
        known.names[some].tolist(),
        np.tile(np.arange(len(some)), len(known.pictures)),
        np.stack([known.of_names[some], known.of_words[some]]),
    )
