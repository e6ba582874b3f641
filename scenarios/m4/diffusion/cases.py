"""What an answer is tried on: mixtures of clouds and of digits, and seeds for all that is drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.labs import Case
from agentlab_tools.digits import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Mixture: TypeAlias = tuple[str, "Array", float, "Array"]
"""What `best` is asked: a name, x, t, and the pictures that there are."""

USUAL = ("two points", "a cloud at t = 0", "a cloud", "a cloud, later", "a cloud far from 0")
LATE = ("digits at t = 0.9", "digits at t = 0.99")


def mixtures(seed: int) -> list[Mixture]:
    """Clouds and digits, mixed with noise."""
    import numpy as np

    dice: Any = np.random.default_rng(seed)

    def mixed(name: str, pictures: Array, t: float, count: int = 6) -> Any:
        rows = dice.integers(len(pictures), size=count)
        noise = dice.normal(size=(count, pictures.shape[1]))
        return name, ((1 - t) * noise + t * pictures[rows]).round(4), t, pictures.round(4)

    known, *_ = drawn(seed, 60, 0)
    found = [
        mixed(USUAL[0], dice.normal(size=(2, 3)) * 0.7, 0.5),
        mixed(USUAL[1], dice.normal(size=(7, 4)), 0.0),
        mixed(USUAL[2], dice.normal(size=(9, 5)), round(dice.uniform(0.3, 0.6), 2)),
        mixed(USUAL[3], dice.normal(size=(8, 4)), round(dice.uniform(0.65, 0.8), 2)),
        mixed(USUAL[4], dice.normal(size=(6, 3)) + 40, 0.4),
        mixed(LATE[0], known * 2 - 1, 0.9),
        mixed(LATE[1], known * 2 - 1, 0.99),
    ]
    # from all of noise: no picture is near, and each weighs too little to be told from 0
    name, x, t, pictures = found[-1]
    far: Array = np.asarray(dice.normal(size=x.shape), float).round(4)
    return [*found[:-1], (name, np.concatenate([x[:3], far[:3]]), t, pictures)]


def seeds(title: str) -> Callable[[Random, int], Sequence[Case]]:
    """Cases of which only a seed is told."""

    def made(rng: Random, count: int) -> Sequence[Case]:
        return [
            Case(json.dumps({"seed": rng.randrange(1_000_000)}), title=title) for _ in range(count)
        ]

    return made
