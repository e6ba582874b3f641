"""What answers are tried on, each by a seed; what is right is known outside of the sandbox only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random

from agentlab.labs import Case


def of(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    """Cases of a task, each with a seed of its own."""

    def cases(rng: Random, count: int) -> Sequence[Case]:
        return [
            Case(json.dumps({"task": task, "seed": rng.randrange(10**6)}), title=title)
            for _ in range(count)
        ]

    return cases
