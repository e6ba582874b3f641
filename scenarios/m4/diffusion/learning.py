"""Digits to learn from, what is asked of a net that learnt, and how well it draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.diffusion import captions, judges
from agentlab_tools.diffusion.latents import Latents
from agentlab_tools.digits import drawn, judge
from agentlab_tools.digits.measures import distances

from .perfect import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

KNOWN, FRESH = 3000, 1000
NUMBERS = 64
"""Of a picture."""
EACH = 10
"""Pictures drawn of each prompt."""
GUIDED = (0.0, 1.0, 2.0, 4.0)
MEASURED = 2.0
"""The guidance at which what is drawn has to be varied, new, and like real digits."""
SHOWN, UNSHOWN = 0.9, 0.7
"""How many of the pictures show digit and colour as asked, at guidance 2."""
UNTOLD = 0.2
"""How many may do so at guidance 0."""
VARIED, FAR, NEW = 0.5, 26.0, 0.75


@dataclass(frozen=True)
class Trial:
    """What a net learns from and what it is asked.

    Attributes:
        x: pictures as numbers, (KNOWN, NUMBERS), and
        prompts: what is said of each, (KNOWN, 16).
        shades: those pictures without their colour, (KNOWN, 196).
        fresh: others, tinted, and
        right: the digit on each.
        asked: the number of a prompt for each picture to draw.
        noise: what to draw each of.
    """

    seed: int
    latents: Latents
    x: Array
    prompts: Array
    shades: Array
    fresh: Array
    right: Array
    asked: Array
    noise: Array

    @classmethod
    def of(cls, seed: int) -> Trial:
        """All that a seed stands for."""
        return _trial(seed)

    def told(self) -> Array:
        """The prompts that are asked, (pictures, 16)."""
        return captions.as_words(captions.prompts())[self.asked]

    def measured(self, made: Mapping[float, Array]) -> dict[str, Any]:
        """How good pictures are, drawn by each guidance: numbers (pictures, NUMBERS)."""
        import numpy as np

        digit, colour = np.divmod(self.asked, len(captions.COLOURS))
        pairs = zip(digit.tolist(), colour.tolist(), strict=True)
        unshown = np.array([pair in captions.UNSEEN for pair in pairs])
        found: dict[str, Any] = {"shown": {}, "unshown": {}}
        for guidance, numbers in made.items():
            read, ink = judges.digits_read(self.latents.decode(numbers))
            good = (read == digit) & (ink == colour)
            found["shown"][f"{guidance:g}"] = float(good[~unshown].mean())
            found["unshown"][f"{guidance:g}"] = float(good[unshown].mean())
        laid, _ = judges.shades(self.latents.decode(made[MEASURED]))
        real, _ = judges.shades(self.fresh)
        known = self.shades
        return found | {
            "varied": variety(laid, digit, real, self.right),
            "far": distances(judge.features(laid), judge.features(real))[1],
            "new": float(np.median(nearest(laid, known)) / np.median(nearest(real, known))),
        }


@lru_cache(maxsize=2)
def _trial(seed: int) -> Trial:
    import numpy as np

    dice = np.random.default_rng(seed)
    shades, digits, fresh, right = drawn(seed, KNOWN, FRESH, "float32")
    free = np.ones((len(captions.WORDS), len(captions.COLOURS)), bool)
    free[tuple(zip(*captions.UNSEEN, strict=True))] = False
    colours = np.array([dice.choice(np.flatnonzero(free[digit])) for digit in digits])
    pictures = captions.tinted(shades, colours, dice)
    others = captions.tinted(fresh, dice.integers(len(captions.COLOURS), size=FRESH), dice)
    latents = Latents.of(pictures, NUMBERS)
    words = captions.as_words(captions.prompts())
    asked = dice.permutation(np.tile(np.arange(len(words)), EACH))
    return Trial(
        seed,
        latents,
        latents.encode(pictures).astype(np.float32),
        words[digits * len(captions.COLOURS) + colours],
        judges.shades(pictures)[0],
        others,
        right,
        asked,
        dice.normal(size=(len(asked), NUMBERS)).astype(np.float32),
    )


def variety(made: Array, digit: Array, real: Array, right: Array) -> float:
    """How far pictures of one digit are apart, of what real ones are; the least digit."""
    import numpy as np

    return min(
        _spread(made[digit == one]) / _spread(real[right == one]) for one in np.unique(digit)
    )


def _spread(rows: Array) -> float:
    """The mean square distance between two rows is twice this; its root is told."""
    return float(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean() ** 0.5)
