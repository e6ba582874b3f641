"""What an answer is tried on: the tool draws it by a seed, where the composer and the ear are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case


def seeds(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    """What a step is tried on."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=title) for one in told]

    return drawn
