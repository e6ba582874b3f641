"""What each function is tried on: a seed, from which texts, arrays and orders are drawn afresh."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case

_TITLES = {
    "attend": "arrays of six kinds, then the model",
    "look": "all 270 heads, on fresh lines",
    "dearest": "one head off, on fresh lines",
    "split": "eight heads off, and eight others, in the agent",
}


def of(task: str) -> Callable[[Random, int], Sequence[Case]]:
    """Cases of one function; each draws its own."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=_TITLES[task]) for one in told]

    return drawn
