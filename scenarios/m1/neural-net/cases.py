"""What an answer is tried on: nets made of chance, digits drawn afresh, and what is no digit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

from agentlab.labs import Case

from . import net

BENDS = ("relu", "sigmoid")
_SIZES = ((5, 4), (6, 3, 4), (4, 7, 5, 3), (5, 6, 6, 6, 2))
_SCALES = (1.0, 1.0, 30.0, 0.5)


def nets(rng: Random, count: int) -> Sequence[Case]:
    """Nets of one layer to four, one of them with huge scores, each with ReLUs or sigmoids."""
    import numpy as np

    cases: list[Case] = []
    for n in range(count):
        dice, bend = np.random.default_rng(rng.randrange(1_000_000)), BENDS[n % 2]
        tried: list[Any] = []
        for sizes, scale in zip(_SIZES, _SCALES, strict=True):
            layers = [
                (scale * dice.normal(size=(a, b)), dice.normal(size=b)) for a, b in pairwise(sizes)
            ]
            x = dice.normal(size=(3, sizes[0]))
            tried.append((x, layers))
        expect = [[out.tolist() for out in net.forward(x, layers, bend)] for x, layers in tried]
        code = _FORWARD.format(tried=_said(tried), bend=bend)
        cases.append(Case(code, expect, title=f"nets of 1 to 4 layers, {bend}"))
    return cases


def patients(rng: Random, count: int) -> Sequence[Case]:
    """Nets in which some ReLUs are dead, some nearly, and some sigmoids saturated, at both ends."""
    import numpy as np

    cases: list[Case] = []
    for _ in range(count):
        dice = np.random.default_rng(rng.randrange(1_000_000))
        tried: list[Any] = []
        for sizes in ((5, 8, 3), (6, 9, 7, 4)):
            x = dice.normal(size=(12, sizes[0]))
            layers = [
                (dice.normal(size=(a, b)), 0.3 * dice.normal(size=b)) for a, b in pairwise(sizes)
            ]
            weights, bias = layers[0]
            sums = x @ weights
            bias[0] = -sums[:, 0].max() - 0.5  # dead
            bias[1] = -sums[:, 1].max() + 0.05  # speaks for one picture, and hardly
            bias[2] = -sums[:, 2].min() - 0.01  # silent for one only
            weights[:, 3] = -np.abs(weights[:, 3])  # pushes down, yet alive
            weights[:, 4], bias[4] = 0, 0.7  # hears nothing, and yet speaks
            weights[:, 5] *= 15  # a sigmoid of this is nearly 0 or 1
            if len(layers) == 3:
                layers[1][0][:, 0], layers[1][1][0] = -1, -0.1  # dead: nothing before it is below 0
            tried.append((x, layers))
        expect = {
            "dead": [net.dead(x, layers) for x, layers in tried],
            "saturated": [net.saturated(x, layers) for x, layers in tried],
        }
        code = _COUNTED.format(tried=_said(tried))
        cases.append(Case(code, expect, title="two nets with something wrong in them"))
    return cases


def trainings(rng: Random, count: int) -> Sequence[Case]:
    """Digits to learn from, with ReLUs and with sigmoids; others to be tried on."""
    return [
        _told(f"a net of {BENDS[n % 2]}s", task="train", seed=rng.randrange(1_000_000), bend=bend)
        for n, bend in zip(range(count), BENDS * count, strict=False)
    ]


def strangers(rng: Random, count: int) -> Sequence[Case]:
    """Digits that were never seen, among pictures that are none."""
    title = "100 digits, 120 pictures of nothing"
    return [_told(title, task="doubt", seed=rng.randrange(1_000_000)) for _ in range(count)]


def _told(title: str, **told: Any) -> Case:
    return Case(json.dumps(told), title=title)


def _said(tried: Sequence[Any]) -> str:
    return json.dumps(
        [[x.tolist(), [[w.tolist(), b.tolist()] for w, b in layers]] for x, layers in tried]
    )


_GIVEN = """import json, numpy
_tried = [
    (numpy.array(x), [(numpy.array(w), numpy.array(b)) for w, b in layers])
    for x, layers in {tried}
]
"""
_FORWARD = (
    _GIVEN
    + """_given = [forward(x, layers, '{bend}') for x, layers in _tried]
print(json.dumps(dict(given=[[numpy.asarray(o, dtype=float).tolist() for o in g] for g in _given])))
"""
)
_COUNTED = (
    _GIVEN
    + """print(json.dumps(dict(
    dead=[[int(n) for n in dead(x, layers)] for x, layers in _tried],
    saturated=[[float(n) for n in saturated(x, layers)] for x, layers in _tried],
)))
"""
)
