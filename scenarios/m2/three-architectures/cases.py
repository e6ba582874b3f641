"""What an answer is tried on: a seed each, from which texts, gaps and requests are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case


def of(title: str) -> Callable[[Random, int], Sequence[Case]]:
    """Cases with seeds of their own."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        seeds = [rng.randrange(10**6) for _ in range(count)]
        return [Case(json.dumps({"seed": seed}), title=title) for seed in seeds]

    return drawn
