"""What an answer is tried on: a seed each, of which the tools draw clips, films and scenes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case


def seeds(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    """Cases that hold nothing but a seed."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=title) for one in told]

    return drawn
