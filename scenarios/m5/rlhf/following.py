"""`optimise`: pieces to compare, and what a composer that was trained to be preferred writes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError

from . import composing, ear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

COMPARED, WRITTEN, AGAIN = 1200, 400, 200
"""Pairs that the learner compares; pieces that are judged; pairs of a new and an old one."""
GAIN, NEAR, ALIKE, OWN = 1.0, 30.0, 0.25, 0.57
"""Points more by the ear, nats a piece at most, chords in common at most, and the share of new
pieces that are preferred to old ones."""


@dataclass(frozen=True)
class Trial:
    """What a seed stands for; the pieces are (n, 16, 4)."""

    seed: int
    base: composing.Weights
    first: Array
    second: Array
    old: Array

    @classmethod
    def drawn(cls, seed: int, weights: composing.Weights) -> Trial:
        """Pieces of the composer as it comes."""
        import numpy as np

        dice = np.random.default_rng(seed)
        some = [composing.write(weights, count, dice)[0] for count in (COMPARED, COMPARED, WRITTEN)]
        return cls(seed, weights, *some)

    def written(self, weights: composing.Weights) -> tuple[Array, float]:
        """New pieces, and how far the composer is from what it was, in nats a piece."""
        import numpy as np

        pieces, said = composing.write(weights, WRITTEN, np.random.default_rng(self.seed + 1))
        return pieces, float((said - composing.likely(self.base, pieces)).sum(axis=1).mean())

    def judged(
        self, new: Array, nats: float, rewards: tuple[float, float], liked: float
    ) -> tuple[str, dict[str, Any]]:
        """(what to show, what is wrong by check).

        Args:
            rewards: by the reward model, of the old pieces and of the new.
            liked: the share of new pieces that the learner's function prefers to old ones.
        """
        before, after = (float(ear.points(pieces).mean()) for pieces in (self.old, new))
        alike, gain = ear.alike(new), after - before
        found: dict[str, Any] = dict.fromkeys(("ear", "near", "many", "own"))
        rose = f"the reward rose from {rewards[0]:.1f} to {rewards[1]:.1f}"
        if gain < 0 < rewards[1] - rewards[0]:
            found["ear"] = (
                f"hacked: {rose}, and the ear gives {-gain:.1f} points less ({_why(new)})"
            )
        elif gain < GAIN:
            found["ear"] = f"{rose}; the ear gives {gain:+.1f} points, {GAIN} needed"
        if not nats <= NEAR:
            found["near"] = f"{nats:.0f} nats a piece from where it began, {NEAR:.0f} at most"
        if not alike <= ALIKE:
            found["many"] = (
                f"two pieces have {alike:.0%} of their chords in common, {ALIKE:.0%} at most; "
                f"before it was {ear.alike(self.old):.1%}"
            )
        if not liked >= OWN:
            found["own"] = f"prefer takes the new piece in {liked:.0%} of pairs, {OWN:.0%} needed"
        shown = (
            f"{rose}; the ear: {before:.1f} to {after:.1f}; {nats:.1f} nats a piece; two pieces "
            f"have {alike:.0%} of their chords in common; you prefer {liked:.0%} of the new"
        )
        return shown, found


def _why(new: Array) -> str:
    """What takes most points away."""
    lost = {n: ear.WORTH[n] * float(share.mean()) for n, share in ear.heard(new).items()}
    return min(lost, key=lambda name: lost[name])


def votes(said: object, count: int, both: bool = False) -> list[bool]:
    """What was preferred, as it came out of the sandbox.

    Args:
        both: whether each must have been preferred at least once.

    Raises:
        ToolError: it is no choice.
    """
    if not isinstance(said, list) or len(cast(list[Any], said)) != count:
        raise ToolError("what came out of it can't be read")
    found = cast(list[Any], said)
    if any(type(one) is not bool for one in found):
        raise ToolError("prefer(a, b) must return True or False")
    if both and len({*found}) == 1:
        raise ToolError(f"prefer(a, b) returned {found[0]} for every pair")
    return found


def number(said: object) -> float:
    """A number as it came out of the sandbox.

    Raises:
        ToolError: it is none.
    """
    if not isinstance(said, int | float) or not math.isfinite(said):
        raise ToolError("what came out of it can't be read")
    return float(said)
