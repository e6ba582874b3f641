"""What an answer is tried on: dates and weights drawn afresh, and nets that may leak."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

KNOWN, FRESH, ASKED = 3000, 100, 40
"""Dates to learn from; others for a net; others for the tool that is made of one."""

HONEST: Mapping[str, Any] = {
    "layers": 1,
    "ahead": 0,
    "behind": 99,
    "held": 0,
    "only": False,
    "late": False,
    "low": 0.0,
    "taps": 0,
    "pooled": 0.0,
    "dropout": 0.0,
    "training": False,
}
"""How a net is made: its attention looks so many places ahead and behind, but not in the heads that
are held back; `only` in training; `late` masks after the softmax, `low` with that number; a
convolution with taps behind (-1) or on both sides (1); and so much of the mean of all places."""

NETS: Mapping[str, Mapping[str, Any]] = {
    "as it should be": {},
    "two layers that look back three places": {"layers": 2, "behind": 3},
    "as it should be, with dropout, in training": {"dropout": 0.2, "training": True},
    "not masked": {"ahead": 99},
    "mask one place off": {"ahead": 1},
    "mask one place off, two layers": {"ahead": 1, "layers": 2},
    "mask one place off in one head of four": {"ahead": 1, "held": 3},
    "masked after the softmax": {"late": True},
    "masked with -6 in place of -inf": {"low": -6.0},
    "not masked in training, in training": {
        "only": True,
        "ahead": 99,
        "dropout": 0.2,
        "training": True,
    },
    "not masked in training, not in training": {"only": True, "ahead": 99, "dropout": 0.2},
    "convolution over three places behind": {"taps": -1, "behind": 0},
    "convolution over both sides": {"taps": 1},
    "a hundredth of the mean of all places": {"pooled": 0.01},
}


def reach(like: Mapping[str, Any]) -> list[list[int]]:
    """Which place of the target sees which, 1 or 0, as a net was made."""
    n = like["places"]
    ahead = like["ahead"] if like["training"] or not like["only"] else 0
    behind = like["behind"]
    if like["late"] or like["low"] or like["pooled"]:
        ahead = behind = n
    behind, ahead = behind + {-1: 2, 0: 0, 1: 1}[like["taps"]], ahead + (like["taps"] > 0)
    behind, ahead = behind * like["layers"], ahead * like["layers"]
    return [[int(-behind <= j - i <= ahead) for j in range(n)] for i in range(n)]


def _seeds(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=title) for one in told]

    return drawn


built = _seeds("net", f"{KNOWN:,} dates to learn from, {FRESH} others")
tools_made = _seeds("serve", f"{KNOWN:,} dates to learn from, {ASKED} others, and an agent")


def leaking(rng: Random, count: int) -> Sequence[Case]:
    """Every kind of net, in an order drawn, with places and weights of its own."""
    cases: list[Case] = []
    for _ in range(count):
        names = rng.sample(list(NETS), len(NETS))
        nets = [
            {**HONEST, **NETS[name], "places": rng.randrange(6, 11), "seed": rng.randrange(10**6)}
            for name in names
        ]
        expect = [{"name": n, "reach": reach(net)} for n, net in zip(names, nets, strict=True)]
        told = {"task": "sees", "nets": nets}
        cases.append(Case(json.dumps(told), expect, title=f"{len(nets)} nets, some of which leak"))
    return cases
