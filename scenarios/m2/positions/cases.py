"""What the functions are tried on, drawn from a seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

from .places import setting
from .talks import DRAWN_COLOURS, DRAWN_NAMES, SIZE

_WORDS = (
    "the fox ran over a hill and saw two dogs asleep in front of an old house by the sea".split()
)
ARTICLES = tuple(
    f"{name}.md"
    for name in ("attention", "convolution", "diffusion", "gans", "pretraining", "qlora", "rag")
)


def sinusoids(rng: Random, count: int) -> Sequence[Case]:
    """Sinusoids of several widths and bases, and moves of them."""
    return [_table(rng, n) for n in range(count)]


def _table(rng: Random, number: int) -> Case:
    tries: list[dict[str, Any]] = []
    for width in rng.sample((8, 16, 32, 64), 3):
        positions = [0, 1, *sorted(rng.sample(range(2, 400), 10)), 1000]
        base, by = rng.choice((100.0, 2000.0, 10_000.0, 500_000.0)), rng.randrange(2, 60)
        tries.append({"width": width, "base": base, "by": by, "positions": positions})
    told = {"what": "tables", "tries": tries}
    return Case(json.dumps(told), title=f"three tables, {number + 1}")


def turned(rng: Random, count: int) -> Sequence[Case]:
    """Made arrays and the packaged model's own, in turn."""
    cases: list[Case] = []
    for n in range(count):
        if n % 2 == 0:
            widths = rng.sample((4, 8, 16, 64), 4)
            tries = [
                {
                    "width": width,
                    "tokens": rng.randrange(3, 7),
                    "first": 0 if k == 0 else rng.randrange(5, 500),
                    "base": rng.choice((500.0, 10_000.0, 1_000_000.0)),
                    "pairs": ("neighbours", "halves")[k % 2],
                }
                for k, width in enumerate(widths)
            ]
            headers = _headers(rng)
            told = {"what": "made", "seed": rng.randrange(1_000_000), "tries": tries}
            expect = {"what": "made", "settings": [list(setting(one)) for one in headers]}
            case = json.dumps({**told, "headers": headers})
            cases.append(Case(case, expect, title="drawn arrays, and headers"))
        else:
            told = {
                "what": "model",
                "seed": rng.randrange(1_000_000),
                "layer": rng.randrange(30),
                "cached": rng.randrange(4, 12),
                "text": " ".join(rng.choice(_WORDS) for _ in range(24)),
            }
            title = f"layer {told['layer']}, after {told['cached']} tokens"
            cases.append(Case(json.dumps(told), {"what": "model"}, title=title))
    return cases


def _headers(rng: Random) -> list[dict[str, Any]]:
    """What files of several families say; one of them says no base."""
    found: list[dict[str, Any]] = []
    for family in ("llama", "qwen2", "gemma3", "llama"):
        base = rng.choice((500_000.0, 1_000_000.0, 150_000.0))
        found.append(
            {"general.architecture": family, f"{family}.block_count": rng.randrange(8, 48)}
        )
        if len(found) < 4:
            found[-1][f"{family}.rope.freq_base"] = base
    rng.shuffle(found)
    return found


def lines(rng: Random, count: int) -> Sequence[Case]:
    """Seeds to train with."""
    return [
        Case(json.dumps({"seed": rng.randrange(1_000_000)}), title=f"a net trained, {n + 1}")
        for n in range(count)
    ]


def conversations(rng: Random, count: int) -> Sequence[Case]:
    """Two conversations each, and sizes of others that a plan is made for only."""
    cases: list[Case] = []
    for n in range(count):
        drawn = zip(
            rng.sample(DRAWN_NAMES, 2),
            rng.sample(DRAWN_COLOURS, 2),
            rng.sample(ARTICLES, 2),
            strict=True,
        )
        spoken = [{"name": a, "colour": b, "article": c} for a, b, c in drawn]
        others: list[tuple[int, int, int]] = []
        for _ in range(4):
            size = rng.randrange(50, 3000)
            others.append((size + rng.randrange(1, 2000), rng.randrange(5, 25), size))
        told = {"talks": spoken, "size": SIZE, "others": others}
        cases.append(Case(json.dumps(told), title=f"two conversations, {n + 1}"))
    return cases
