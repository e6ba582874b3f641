"""What a net has to beat: how often each number came after those before it, counted.

The estimates of all lengths are mixed as in Witten and Bell (1991): a context is trusted the more,
the more often it was seen, and the less, the more different numbers came after it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log

LOOKS_BACK = 4
"""Numbers. With 2, 5 and 7 the held-out chorales cost more."""


class Counted:
    """Learnt from pieces by counting."""

    def __init__(self, pieces: Sequence[Sequence[int]], size: int, back: int = LOOKS_BACK) -> None:
        self.size, self.back = size, back
        self._after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for piece in pieces:
            for at in range(1, len(piece)):
                for length in range(min(at, back) + 1):
                    self._after[tuple(piece[at - length : at])][piece[at]] += 1

    def nats(self, beginning: Sequence[int], then: int) -> float:
        """How surprising it is that this comes next."""
        chance = 1 / self.size
        for length in range(min(len(beginning), self.back) + 1):
            seen = self._after.get(tuple(beginning[len(beginning) - length :]))
            if seen is None:
                break
            kinds = len(seen)
            chance = (seen[then] + kinds * chance) / (seen.total() + kinds)
        return -log(chance)
