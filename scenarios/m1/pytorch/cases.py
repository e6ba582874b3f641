"""What an answer is tried on: digits drawn afresh, and layers of the packaged model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

PROMPTS = (
    "The capital of France is",
    "Once upon a time there was a",
    "The opposite of hot is",
    "My favourite animal is the",
)
LAYERS = 30
KNOWN, FRESH = 1500, 1000
"""Digits to learn from, and others."""


def _case(title: str, **told: Any) -> Case:
    return Case(json.dumps(told), title=title)


def modules(rng: Random, count: int) -> Sequence[Case]:
    """Digits for a module that is made, trained, saved and moved."""
    title = f"{KNOWN:,} digits to learn from, {FRESH:,} others"
    return [_case(title, task="module", seed=rng.randrange(10**6)) for _ in range(count)]


def loops(rng: Random, count: int) -> Sequence[Case]:
    """Nets that watch how they are trained, and one that learns digits."""
    title = "nets that watch, and 1,500 digits"
    return [_case(title, task="loop", seed=rng.randrange(10**6)) for _ in range(count)]


def layers(rng: Random, count: int) -> Sequence[Case]:
    """A prompt, and three layers of which one half is built anew; the first and the 12th always."""
    cases: list[Case] = []
    for n in range(count):
        chosen = sorted({0, 11, rng.randrange(12, LAYERS)})
        prompt = PROMPTS[(n + rng.randrange(len(PROMPTS))) % len(PROMPTS)]
        title = f"{prompt!r}, layers {', '.join(map(str, chosen))}"
        cases.append(_case(title, task="layer", prompt=prompt, layers=chosen))
    return cases
