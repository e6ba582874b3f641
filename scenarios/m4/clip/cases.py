"""What an answer is tried on: batches made of chance, and seeds to draw pictures by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

_BATCHES = (
    *((2, 3, 0.5), (5, 4, 0.1), (6, 3, 0.07), (4, 8, 1.0), (3, 2, 0.2)),
    *((7, 5, 0.05), (4, 3, 0.001)),
)
"""(rows, numbers in each, temperature)."""


def batches(rng: Random, count: int) -> Sequence[Case]:
    """Rows of any length; in the last batch, one at the temperature of 0.001."""
    import numpy as np

    from . import towers

    cases: list[Case] = []
    for _ in range(count):
        dice = np.random.default_rng(rng.randrange(1_000_000))
        tried: list[Any] = []
        expect: list[Any] = []
        for rows, wide, temperature in _BATCHES:
            captions = dice.normal(size=(rows, wide)) * dice.uniform(0.3, 3, size=(rows, 1))
            noise = dice.normal(size=(rows, wide))
            pictures = (captions + noise) * dice.uniform(0.3, 3, size=(rows, 1))
            one = (pictures.round(3), captions.round(3), temperature)
            loss, *slopes = towers.contrast(*one)
            how = f"{rows} pairs at temperature {temperature:g}"
            tried.append((one[0].tolist(), one[1].tolist(), temperature))
            expect.append({"loss": float(loss), "slopes": [s.tolist() for s in slopes], "how": how})
        code = _BATCH.format(tried=json.dumps(tried))
        cases.append(Case(code, expect, title="seven batches, one of them at 0.001"))
    return cases


def seeds(task: str, title: str, draws: int = 2) -> Callable[[Random, int], Sequence[Case]]:
    """Cases of a task, each with so many draws, of a seed each."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        return [
            Case(
                json.dumps({"task": task, "seeds": rng.sample(range(1_000_000), draws)}),
                title=title,
            )
            for _ in range(count)
        ]

    return drawn


_BATCH = """import json, numpy
_said = []
for _a, _b, _t in {tried}:
    _loss, *_slopes = contrast(numpy.array(_a), numpy.array(_b), _t)
    _said.append(dict(loss=float(_loss),
        slopes=[numpy.asarray(_s, dtype=float).round(7).tolist() for _s in _slopes]))
print(json.dumps(dict(batches=_said)))
"""
