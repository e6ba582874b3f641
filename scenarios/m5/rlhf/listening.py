"""`reward`: comparisons to learn from, fresh ones to foretell, and what an agent is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError

from . import agent, composing, ear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

COMPARED, FRESH = 800, 3000
CLEAR = 2.2
"""Points of a lead that nine of ten listeners hear."""
TASTE, HONEST = 0.73, 0.66
"""Of such pairs, how many must come out right; nats that a fresh vote may cost."""
ALONE = 0.001
QUESTIONS, ANSWERED = 3, 2
"""What the agent is asked, and how often it must be right."""
_ASKS = "Which piece is better, {} or {}?"


@dataclass(frozen=True)
class Trial:
    """What a seed stands for; the pieces are (n, 16, 4)."""

    seed: int
    first: Array
    second: Array
    votes: Array
    fresh: Array
    fresh_second: Array
    fresh_votes: Array
    pieces: Array
    asked: list[tuple[int, int]]

    @classmethod
    def drawn(cls, seed: int, weights: composing.Weights) -> Trial:
        """Pieces by the composer, and votes of listeners on them."""
        import numpy as np

        dice = np.random.default_rng(seed)
        first, second = (composing.write(weights, COMPARED, dice)[0] for _ in range(2))
        fresh, other = (composing.write(weights, FRESH, dice)[0] for _ in range(2))
        pieces, _ = composing.write(weights, agent.PIECES, dice)
        votes, later = ear.preferred(first, second, dice), ear.preferred(fresh, other, dice)
        asked = _clear(pieces, seed)
        return cls(seed, first, second, votes, fresh, other, later, pieces, asked)

    def judged(self, said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """(what to show, what is wrong by check) of scores."""
        import numpy as np

        scores = _numbers(said.get("scores"), 2 * FRESH)
        again = _numbers(said.get("again"), FRESH)
        lead = scores[:FRESH] - scores[FRESH:]
        truth = ear.points(self.fresh) - ear.points(self.fresh_second)
        clear = np.abs(truth) > CLEAR
        right = float(((lead > 0) == (truth > 0))[clear].mean())
        cost = float(np.logaddexp(0, np.where(self.fresh_votes, -lead, lead)).mean())
        off = float(np.abs(again - scores[:FRESH]).max())
        found: dict[str, Any] = dict.fromkeys(("alone", "taste", "honest"))
        if off > ALONE * max(1.0, float(np.abs(scores).max())):
            found["alone"] = f"the same piece gets up to {off:.2g} more or less in other company"
        if not right >= TASTE:
            found["taste"] = f"{right:.1%} of the clear pairs agree, {TASTE:.0%} needed"
        if not cost <= HONEST:
            found["honest"] = f"a fresh vote costs {cost:.3f} nats, {HONEST} at most; a coin: 0.693"
        shown = f"{right:.1%} of the clear pairs come out right; a fresh vote costs {cost:.3f} nats"
        return shown, found

    async def asked_for(self, said: dict[str, Any]) -> tuple[str, str | None]:
        """(what to show, what is wrong) where the agent uses the scores."""
        scores = _numbers(said.get("pieces"), agent.PIECES)
        points = ear.points(self.pieces)
        lines: list[str] = []
        wrong: list[str] = []
        async with agent.at_work() as ask:
            for one, other in self.asked:

                def better(a: int, b: int) -> int:
                    return a if scores[a] > scores[b] else b

                question = _ASKS.format(one, other)
                call, says = await ask(question, better)
                lines.append(f"{question} → {call} → {says}")
                wanted = one if points[one] > points[other] else other
                if [int(n) for n in re.findall(r"\d+", says)][-1:] != [wanted]:
                    wrong.append(f"{question} It said {says!r}; people prefer {wanted}")
        return "\n".join(lines), wrong[0] if len(wrong) > QUESTIONS - ANSWERED else None


@lru_cache(maxsize=2)
def drawn(seed: int, kept: bytes) -> Trial:
    """With the composer of these weights; to draw takes two seconds, so it is kept a while."""
    return Trial.drawn(seed, composing.read(kept))


def _clear(pieces: Array, seed: int) -> list[tuple[int, int]]:
    """Questions whose answer nobody doubts."""
    order = [int(n) for n in ear.points(pieces).argsort()]
    rng = Random(seed)  # noqa: S311 - the seed is the point
    low, high = rng.sample(order[:15], QUESTIONS), rng.sample(order[-15:], QUESTIONS)
    return [rng.choice(((a, b), (b, a))) for a, b in zip(low, high, strict=True)]


def _numbers(said: object, count: int) -> Array:
    """Numbers as they came out of the sandbox.

    Raises:
        ToolError: they are none.
    """
    import numpy as np

    why = f"score(pieces) must return a number for each of {count} pieces"
    try:
        numbers = np.array(cast("Sequence[float]", said), dtype=float)
    except (TypeError, ValueError) as error:
        raise ToolError(why) from error
    if numbers.shape != (count,):
        raise ToolError(f"{why}, not {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ToolError(f"{why}: some are not finite")
    return numbers
