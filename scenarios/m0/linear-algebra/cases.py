"""What each function is tried on: weights and tokens of the model, drawn afresh from a seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

from .weights import HEAD, LAYERS, RANK, WIDTH

_SHAPES = ((5, WIDTH), (WIDTH,), (2, 3, WIDTH))
_KINDS = ("attn_q", "ffn_gate", "attn_k", "attn_output", "ffn_up", "attn_v")
_NAMES = {1: "one vector", 2: "a row of vectors", 3: "a batch of rows"}


def _case(title: str, **told: Any) -> Case:
    return Case(json.dumps(told), title=title)


def _seed(rng: Random) -> int:
    return rng.randrange(1_000_000)


def layers(rng: Random, count: int) -> Sequence[Case]:
    """Layers of every kind, square ones among them, for one vector, a row, and a batch."""
    cases: list[Case] = []
    for n in range(count):
        shape, kind = _SHAPES[n % len(_SHAPES)], _KINDS[n % len(_KINDS)]
        layer = rng.randrange(LAYERS)
        title = f"{kind} of layer {layer}, {_NAMES[len(shape)]}"
        cases.append(
            _case(title, task="layer", seed=_seed(rng), layer=layer, kind=kind, shape=shape)
        )
    return cases


def directions(rng: Random, count: int) -> Sequence[Case]:
    """Tokens' vectors, and the mean of others as a direction, short or long."""
    cases: list[Case] = []
    for n in range(count):
        shape, length = _SHAPES[n % len(_SHAPES)], (0.3, 1.0, 4.0)[n % 3]
        title = f"{_NAMES[len(shape)]}, a direction {length:g} times as long"
        cases.append(_case(title, task="without", seed=_seed(rng), shape=shape, length=length))
    return cases


def turns(rng: Random, count: int) -> Sequence[Case]:
    """Questions that heads of the attention ask, at positions near and far."""
    cases: list[Case] = []
    for n in range(count):
        first, every = ((1, 1), (rng.randint(20, 90), 1), (0, rng.randint(2, 9)))[n % 3]
        head = rng.randrange(WIDTH // HEAD)
        cases.append(
            _case(
                f"head {head}, positions from {first}, every {every}",
                task="turn",
                seed=_seed(rng),
                layer=rng.randrange(LAYERS),
                head=head,
                tokens=rng.randint(4, 8),
                first=first,
                every=every,
            )
        )
    return cases


_HALVED = (
    ("change", "attn_q", 4),
    ("weight", "attn_output", 16),
    ("change", "attn_k", 2),
    ("change", "attn_output", RANK),
    ("weight", "attn_k", 64),
    ("change", "attn_v", 1),
)


def halved(rng: Random, count: int) -> Sequence[Case]:
    """Weights, and what tuning added to weights, each to be halved at a rank."""
    cases: list[Case] = []
    for n in range(count):
        what, kind, rank = _HALVED[n % len(_HALVED)]
        layer = rng.randrange(LAYERS)
        title = f"the {what} of {kind} in layer {layer}, rank {rank}"
        cases.append(_case(title, task="halves", what=what, kind=kind, layer=layer, rank=rank))
    return cases


def once(_rng: Random, _count: int) -> Sequence[Case]:
    """The whole adapter."""
    return [_case("all 210 weights that were tuned", task="lighten")]
