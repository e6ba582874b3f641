"""What an answer is tried on: drawn from a seed, by number, so that no case says what is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case


def _seeds(*kinds: tuple[str, str]) -> Callable[[Random, int], Sequence[Case]]:
    """Cases of these kinds, in turns: (task, title)."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        made: list[Case] = []
        for n in range(count):
            task, title = kinds[n % len(kinds)]
            told = json.dumps({"task": task, "seed": rng.randrange(1_000_000)})
            made.append(Case(told, title=title))
        return made

    return drawn


batches = _seeds(("route", "six batches of tokens, and experts that are lent"))
trainings = _seeds(
    ("layer", "three layers of numbers drawn by chance"),
    ("learn", "eight languages to learn from, and articles held back"),
)
readers = _seeds(("sort", "eight languages to learn from, and articles held back"))
models = _seeds(("count", "Mixtral, shapes drawn, and an agent that is asked"))
