"""Noticing that a model goes round in circles, token by token."""

from __future__ import annotations

from typing import Any

LONGEST = 128
"""The longest block of tokens whose repetition is noticed."""
TIMES = 4
"""How often a block has to stand in a row."""
LEAST = 64
"""How many tokens of repetition are too many, however short the block."""


class Repetition:
    """Watches tokens go by.

    A reply goes in circles when its last tokens are one block of at most LONGEST tokens, TIMES
    times over or more, and at least LEAST tokens in all. Costs some microseconds a token.
    """

    def __init__(self) -> None:
        import numpy as np

        self._np = np
        self._last = np.full(LONGEST, -1, dtype=np.int64)
        # for each block length p: how many tokens in a row equalled the one p before them
        self._equal: Any = np.zeros(LONGEST, dtype=np.int64)
        blocks = np.arange(1, LONGEST + 1)
        self._limits = np.maximum((TIMES - 1) * blocks, LEAST - blocks)
        self._count = 0

    def add(self, token: int) -> bool:
        """Whether, with this token, the reply goes in circles."""
        place = self._count % LONGEST
        # how the ring lies, seen from the newest token backwards
        recent = self._np.concatenate((self._last[:place][::-1], self._last[place:][::-1]))
        self._equal = (self._equal + 1) * (recent == token)
        self._last[place] = token
        self._count += 1
        return bool((self._equal >= self._limits).any())
