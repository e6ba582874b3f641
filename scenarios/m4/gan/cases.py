"""What an answer is tried on: scores and features made of chance, sets of pictures, digits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.labs import Case
from agentlab_tools.digits.measures import distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SCORES = {
    "scores about 0": (0.0, 1.5, 0.0),
    "a discriminator that is sure": (9.0, 1.0, -9.0),
    "a discriminator that is fooled": (-6.0, 1.0, 6.0),
    "scores of 800 and more": (900.0, 50.0, -900.0),
    "scores of 800 and more, all wrong": (-900.0, 50.0, 900.0),
}
"""Around what the scores of real and of made pictures lie, and how wide: (real, width, made)."""


def scores(rng: Random, count: int) -> Sequence[Case]:
    """Scores of real pictures and of made ones, not as many of one as of the other."""
    import numpy as np

    cases: list[Case] = []
    for _ in range(count):
        dice = np.random.default_rng(rng.randrange(1_000_000))
        tried: list[Any] = []
        for real, wide, made in SCORES.values():
            n, m = dice.integers(4, 7), dice.integers(8, 12)
            one, other = dice.normal(real, wide, n), dice.normal(made, wide, m)
            tried.append([one.round(3).tolist(), other.round(3).tolist()])
        expect = [_losses(np.array(one), np.array(other)) for one, other in tried]
        code = _SCORES.format(tried=json.dumps(tried))
        cases.append(Case(code, expect, title=f"{len(SCORES)} lots of scores"))
    return cases


def _losses(real: Array, made: Array) -> dict[str, Any]:
    """Both losses, and the slopes by each score."""
    import numpy as np

    def soft(x: Array) -> Array:
        return np.logaddexp(0, x)

    def share(x: Array) -> Array:
        return np.exp(-soft(-x))

    n, m = len(real), len(made)
    loss = float(soft(-real).mean() + soft(made).mean())
    return {
        "discriminator": [loss, (-share(-real) / n).tolist(), (share(made) / m).tolist()],
        "generator": [float(soft(-made).mean()), (-share(-made) / m).tolist()],
    }


PAIRS = (
    "one set, and the same moved",
    "wider in some features",
    "turned against each other",
    "fewer rows than features",
    "the same two, exchanged",
    "a feature that is always 0",
    "one set, twice",
    "all features near 1,000",
)


def pairs(rng: Random, count: int) -> Sequence[Case]:
    """Two sets of features at a time, and how far they are apart; then sets of pictures."""
    import numpy as np

    cases: list[Case] = []
    for n in range(count):
        if n % 2:
            told = json.dumps({"task": "distances", "seed": rng.randrange(1_000_000)})
            cases.append(Case(told, title="sets of digits, seen by the judge"))
            continue
        dice = np.random.default_rng(rng.randrange(1_000_000))
        made = [(x.round(3), y.round(3)) for x, y in _pairs(dice)]
        expect = [[name, *distances(x, y)] for name, (x, y) in zip(PAIRS, made, strict=True)]
        tried = [[x.tolist(), y.tolist()] for x, y in made]
        told = json.dumps({"task": "pairs", "pairs": tried})
        cases.append(Case(told, expect, title=f"{len(PAIRS)} pairs of sets"))
    return cases


def _pairs(dice: Any) -> list[tuple[Array, Array]]:
    import numpy as np

    def wide(rows: int, features: int) -> Array:
        mixed = dice.normal(size=(features, features))
        return dice.normal(size=(rows, features)) @ mixed + dice.normal(size=features)

    one = wide(40, 5)
    scale = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    few, many = wide(5, 8), wide(50, 8)
    dead = wide(40, 6)
    dead[:, 2] = 0
    far = wide(40, 4) + 1000
    return [
        (one, one + dice.normal(size=5)),
        (dice.normal(size=(60, 5)), dice.normal(size=(50, 5)) * scale),
        (wide(40, 5), wide(30, 5)),
        (few, many),
        (many, few),
        (dead, wide(40, 6)),
        (one, one),
        (far, wide(30, 4) + 1000),
    ]


def _seeds(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=title) for one in told]

    return drawn


generators = _seeds("look", "ten generators, some of which are ill")
matches = _seeds("play", "3,000 digits to learn from, and an agent that is asked for numbers")

_SCORES = """import json, numpy
_found = []
for _real, _made in {tried}:
    _real, _made = numpy.array(_real), numpy.array(_made)
    _told = dict(
        discriminator=discriminator(_real.copy(), _made.copy()), generator=generator(_made.copy())
    )
    _found.append({{_k: [numpy.asarray(_o, dtype=float).tolist() for _o in _v]
                    for _k, _v in _told.items()}})
print(json.dumps(dict(tried=_found)))"""
