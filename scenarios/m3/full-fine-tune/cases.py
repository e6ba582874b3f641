"""What answers are tried on: shapes of models to train, and batches for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from agentlab.labs import Case


@dataclass(frozen=True)
class Shape:
    """A model of the llama family, whose last layer is its embedding again.

    Attributes:
        vocabulary: tokens it knows.
        width: numbers that stand for a token between layers.
        inner: numbers that stand for one inside a feed-forward half.
        heads, groups: heads that ask, and keys and values that they share.
    """

    vocabulary: int
    width: int
    layers: int
    inner: int
    heads: int
    groups: int


@dataclass(frozen=True)
class Batch:
    """A training to foretell: a shape, and so many texts of so many tokens in a step."""

    shape: Shape
    texts: int
    length: int

    @property
    def title(self) -> str:
        """In a few words."""
        who = "SmolLM2" if self.shape == PACKAGED else f"{self.shape.layers} layers"
        return f"{who} of width {self.shape.width}, {self.texts} texts of {self.length} tokens"


PACKAGED = Shape(vocabulary=49_152, width=576, layers=30, inner=1536, heads=9, groups=3)
"""SmolLM2-135M's."""


def shapes(rng: Random, count: int) -> Sequence[Case]:
    """Two small models and one like the packaged one, each with a batch; in one case."""
    return [
        Case(json.dumps({"seed": rng.randrange(10**6)}), title="fresh shapes") for _ in range(count)
    ]


def batches(seed: int) -> Sequence[Batch]:
    """The trainings of a draw: many layers, a large vocabulary, and always SmolLM2's."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    return (
        Batch(
            Shape(rng.choice((4000, 6000)), 384, rng.randint(6, 8), rng.choice((896, 1024)), 6, 2),
            rng.randint(6, 10),
            rng.choice((40, 56)),
        ),
        Batch(
            Shape(rng.choice((12_000, 15_000)), 320, rng.randint(3, 4), 768, 5, 5),
            rng.randint(4, 6),
            rng.choice((48, 64)),
        ),
        Batch(PACKAGED, 2, 64),
    )
