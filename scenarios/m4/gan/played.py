"""A game's measures: whether what is asked for is drawn, varied, like real digits, and new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits import drawn, measures
from agentlab_tools.digits.judge import features, read

from .sets import FRESH, KNOWN, copies, digits, of_net

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

ASKED = 0.85
"""Of the pictures, read by the judge as what was asked for."""
VARIED = 0.5
"""How far pictures of a digit are from each other, of what real ones are, for each digit."""
FAR = 25.0
"""The Fréchet distance from fresh real digits, in the judge's features, at most."""
NEW = 0.75
"""How far the nearest known digit is, in the middle, of how far it is from real ones; at least."""
WRITTEN = 6
"""Of the nine digits that the agent is asked to write."""
_NUMBERS = 3


@dataclass(frozen=True)
class Game:
    """Digits to learn from, others, and what is asked of a generator."""

    seed: int
    x: Array
    y: Array
    fresh: Array
    right: Array
    asked: list[int]
    numbers: list[int]

    @classmethod
    def of(cls, seed: int) -> Game:
        """All that a seed stands for."""
        dice = Random(seed)  # noqa: S311 - the seed is the point
        asked = [digit for digit in range(10) for _ in range(FRESH // 10)]
        dice.shuffle(asked)
        numbers = dice.sample(range(100, 1000), _NUMBERS)
        return cls(seed, *drawn(seed, KNOWN, FRESH, "float32"), asked, numbers)

    def measured(self, pictures: Array) -> dict[str, Any]:
        """How good pictures are, one for each digit that was asked for."""
        import numpy as np

        asked = np.array(self.asked)
        return measures.measured(pictures, asked, self.x, self.fresh, self.right)

    def told(self, found: Mapping[str, float]) -> str:
        """What was measured, in a line."""
        return (
            f"{found['asked']:.1%} are what was asked for; at the least varied digit, they are "
            f"{found['varied']:.0%} as far apart as real ones; Fréchet distance {found['far']:.1f};"
            f" the nearest known digit is {found['new']:.2f} times as far as from a real one"
        )

    def complaints(self, found: Mapping[str, float]) -> list[str]:
        """What is not good enough."""
        return [why for name in WHY if (why := lacking(name, found)) is not None]

    def reads(self, written: Sequence[str], drawn: Array) -> list[dict[str, Any]]:
        """What the judge reads where the agent had numbers drawn, digit after digit."""
        said: list[int] = read(drawn).argmax(axis=1).tolist() if len(drawn) else []
        found: list[dict[str, Any]] = []
        for number, text in zip(self.numbers, written, strict=True):
            mine, said = said[: len(text)], said[len(text) :]
            seen = "".join(map(str, mine))
            right = sum(a == b for a, b in zip(str(number), seen, strict=False))
            right = right if len(seen) == len(str(number)) else 0
            found.append({"number": number, "called": text, "read": seen, "right": right})
        return found

    def rows(self, pictures: Array) -> Array:
        """Ten of each digit, in columns."""
        import numpy as np

        asked = np.array(self.asked)
        columns = [pictures[np.flatnonzero(asked == digit)[:10]] for digit in range(10)]
        return np.stack(columns, axis=1).reshape(100, -1)

    def real(self) -> Array:
        """Ten real ones of each digit, that were not learnt from, in columns."""
        import numpy as np

        columns = [self.fresh[np.flatnonzero(self.right == digit)[:10]] for digit in range(10)]
        return np.stack(columns, axis=1).reshape(100, -1)


WHY = {
    "asked": (ASKED, "{:.1%} of the pictures are read as what was asked for, {:.0%} needed"),
    "varied": (
        VARIED,
        "at one digit, pictures are {:.0%} as far apart as real ones, {:.0%} needed",
    ),
    "far": (-FAR, "the Fréchet distance from real digits is {:.1f}, at most {:.0f} is allowed"),
    "new": (
        NEW,
        "the nearest known digit is {:.2f} times as far away as from real ones, {} needed",
    ),
}
"""What is needed at least (or, below 0, allowed at most), and what is said of less."""


def lacking(name: str, found: Mapping[str, float]) -> str | None:
    """What is said if one of the measures is not good enough."""
    least, says = WHY[name]
    good = found[name] <= -least if least < 0 else found[name] >= least
    return None if good else says.format(found[name], abs(least))


@lru_cache(maxsize=2)
def compared(seed: int) -> list[tuple[str, Array, Array]]:
    """Sets of digits to compare with real ones, as the judge sees them: (name, one, other)."""
    import numpy as np

    dice = np.random.default_rng(seed)
    x, y, fresh, _ = digits()
    rows, known = dice.permutation(len(fresh)), dice.permutation(len(x))
    real = features(fresh[rows])
    asked = dice.integers(10, size=FRESH)
    tried = {
        "40 real digits": x[known[:40]],
        "200 real digits": x[known[:200]],
        "1,000 real digits": x[known[:1000]],
        "known digits, a little darker": copies(x, y, asked, dice),
        "a Gaussian for each digit": gaussian(x, y, asked, dice),
        "a good generator": of_net("well", asked, dice),
        "one picture for each digit": of_net("collapsed", asked, dice),
    }
    return [(name, features(pictures), real) for name, pictures in tried.items()]


def gaussian(x: Array, y: Array, asked: Array, dice: Any, axes: int = 20) -> Array:
    """Pictures from a Gaussian for each digit, along the axes in which known ones differ most."""
    import numpy as np

    made = np.zeros((len(asked), x.shape[1]))
    for digit in range(10):
        some, mine = x[y == digit], asked == digit
        middle = some.mean(axis=0)
        _, sizes, ways = np.linalg.svd(some - middle, full_matrices=False)
        steps = dice.normal(size=(mine.sum(), axes)) * sizes[:axes] / len(some) ** 0.5
        made[mine] = middle + steps @ ways[:axes]
    return made.clip(0, 1)
