"""What an answer is tried on: digits drawn afresh, and what is asked of an agent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

KNOWN, FRESH = 1500, 1000
"""Digits to learn from, and others."""


def _case(title: str, **told: Any) -> Case:
    return Case(json.dumps(told), title=title)


def layers(rng: Random, count: int) -> Sequence[Case]:
    """Digits for a layer that is adapted, trained around, saved and loaded."""
    title = f"{KNOWN:,} digits to learn from, {FRESH:,} others"
    return [_case(title, task="layer", seed=rng.randrange(10**6)) for _ in range(count)]


def wards(rng: Random, count: int) -> Sequence[Case]:
    """Nets whose neurons die on a timetable."""
    title = "two nets in which neurons die"
    return [_case(title, task="watch", seed=rng.randrange(10**6)) for _ in range(count)]


def trainings(rng: Random, count: int) -> Sequence[Case]:
    """A net with a script, and digits in the order of a file, with an agent that has it trained."""
    return [
        _case("400 rows and 1,500 digits, in order", task="train", seed=rng.randrange(10**6))
        for _ in range(count)
    ]
