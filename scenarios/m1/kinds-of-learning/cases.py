"""What an answer is tried on: emoji drawn afresh, games of chance, and prompts of a live agent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

LABELLED = 40
"""Emoji of each group that come with their group."""
_EACH = (60, 75, 90)


def _case(title: str, **told: Any) -> Case:
    return Case(json.dumps(told), title=title)


def labelled(rng: Random, count: int) -> Sequence[Case]:
    """Some emoji with their groups, and others to put into groups."""
    title = f"{4 * LABELLED} emoji with their groups, 320 without"
    return [_case(title, task="labelled", seed=rng.randrange(1_000_000)) for _ in range(count)]


def unlabelled(rng: Random, count: int) -> Sequence[Case]:
    """Emoji with nothing but their vectors."""
    cases: list[Case] = []
    for n in range(count):
        each = _EACH[n % len(_EACH)]
        title = f"{4 * each} emoji, into four groups"
        cases.append(_case(title, task="clustered", seed=rng.randrange(1_000_000), each=each))
    return cases


def games(rng: Random, count: int) -> Sequence[Case]:
    """Prompts that are right at unknown rates; then three of a live agent."""
    cases: list[Case] = []
    for n in range(count):
        if n % 5 == 4 or (n == 1 and count == 2):
            cases.append(_case("a live agent, three prompts", task="live", seed=rng.randrange(999)))
            continue
        title, rates = _rates(n % 5, rng)
        cases.append(_case(title, task="games", seed=rng.randrange(1_000_000), rates=rates))
    return cases


def _rates(kind: int, rng: Random) -> tuple[str, list[float]]:
    """How often each prompt is right."""
    low, high = rng.uniform(0.2, 0.3), rng.uniform(0.7, 0.8)
    match kind:
        case 0:
            title, rates = "two prompts, far apart", [high, low]
        case 1:
            title, rates = "five prompts, one of them good", [low, low + 0.1, low, low + 0.2, high]
        case 2:
            title, rates = "three prompts, all of them mostly wrong", [0.04, 0.04, 0.3]
        case _:
            title, rates = "three prompts, close together", [0.3, 0.45, 0.6]
    rng.shuffle(rates)
    return title, [round(rate, 3) for rate in rates]
