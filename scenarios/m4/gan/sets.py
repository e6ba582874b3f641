"""Sets of pictures by generators that are well or ill, drawn afresh from a seed.

Three of them are nets that were trained by `make_generators.py` and kept; what is called real has
never been shown to any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

KNOWN, FRESH = 3000, 1000
"""Digits that generators learn from, and others."""
NOISE = 16
EACH = 50
"""Pictures of each digit in a set."""
_FILE = Path(__file__).with_name("generators.npz")
_KEPT = 0
"""The seed of the digits that the kept nets were trained on."""


@dataclass(frozen=True)
class Made:
    """What a generator drew.

    Attributes:
        name: how it was made.
        state: "well", "collapsed", "copies" or "deaf".
        pictures: (n, 196), from 0 to 1.
        asked: the digit that each should be, (n,).
    """

    name: str
    state: str
    pictures: Array
    asked: Array


def digits() -> tuple[Array, Array, Array, Array]:
    """What the kept nets were trained on, with its digits, and what they never saw, with theirs."""
    return drawn(_KEPT, KNOWN, FRESH, "float32")


def of_net(name: str, asked: Array, dice: Any) -> Array:
    """Pictures by one of the kept nets."""
    import numpy as np

    w = _nets()[name]
    x = np.concatenate([dice.normal(size=(len(asked), NOISE)), np.eye(10)[asked]], axis=1)
    for layer in ("0", "2"):
        x = x @ w[f"{layer}.weight"].T + w[f"{layer}.bias"]
        x = np.maximum(x, 0.2 * x)
    return 1 / (1 + np.exp(-x @ w["4.weight"].T - w["4.bias"]))


@cache
def _nets() -> dict[str, dict[str, Array]]:
    import numpy as np

    found: dict[str, dict[str, Array]] = {}
    with np.load(_FILE) as kept:
        for name in kept.files:
            net, part = name.split("/")
            found.setdefault(net, {})[part] = kept[name].astype(float)
    return found


@lru_cache(maxsize=2)
def sets(seed: int) -> tuple[Made, ...]:
    """Ten sets, in an order drawn."""
    import numpy as np

    dice = np.random.default_rng(seed)
    x, y, fresh, right = digits()
    asked = dice.permutation(np.repeat(np.arange(10), EACH))
    one = np.full(4 * EACH, 1)
    rows = dice.permutation(len(fresh))[: 10 * EACH]
    good = of_net("well", asked, dice)
    three = dice.permutation(10)[:3]
    partly = np.where(
        np.isin(asked, three)[:, None],
        of_net("collapsed", asked, dice),
        of_net("well", asked, dice),
    )
    some = np.where(dice.random((len(asked), 1)) < 1 / 3, copies(x, y, asked, dice), good)
    made = [
        Made("real digits that nobody learnt from", "well", fresh[rows], right[rows]),
        Made("a good generator", "well", of_net("well", asked, dice), asked),
        Made("a good one, asked for ones alone", "well", of_net("well", one, dice), one),
        Made("one picture for each digit", "collapsed", of_net("collapsed", asked, dice), asked),
        Made("one picture for each of three digits", "collapsed", partly, asked),
        Made("one picture, whatever is asked", "collapsed", of_net("few", asked, dice), asked),
        Made("known digits, a little darker", "copies", copies(x, y, asked, dice), asked),
        Made("a third of them known digits", "copies", some, asked),
        Made(
            "good pictures of any digit",
            "deaf",
            of_net("well", dice.integers(10, size=len(asked)), dice),
            asked,
        ),
        Made(
            "good pictures of the digit after it",
            "deaf",
            of_net("well", (asked + 1) % 10, dice),
            asked,
        ),
    ]
    order: list[int] = dice.permutation(len(made)).tolist()
    return tuple(made[at] for at in order)


def copies(x: Array, y: Array, asked: Array, dice: Any) -> Array:
    """Known pictures of what is asked, a little darker, with a little noise: no net learnt them."""
    import numpy as np

    rows = [dice.choice(np.flatnonzero(y == digit)) for digit in asked.tolist()]
    shade = dice.uniform(0.96, 1, size=(len(rows), 1))
    noise = dice.normal(size=(len(rows), x.shape[1])) * 0.01
    return np.clip(x[rows] * shade + noise, 0, 1)
