"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from random import Random

from agentlab.labs import Case

from .texts import UNSEEN, unseen

PIECE = 240
"""Characters of a piece of text to be measured on."""
_NAMES = ("ash", "birch", "cedar", "elm", "fir")


def tables(rng: Random, count: int) -> Sequence[Case]:
    """What was believed, how likely each sign is, and the signs seen; `expect`, what follows."""
    drawn = (_alarm, _several, _long, _excluded)
    cases: list[Case] = []
    for n in range(count):
        title, prior, chances, seen = drawn[n % len(drawn)](rng)
        told = _POSTERIOR.format(prior=prior, chances=chances, seen=seen)
        cases.append(Case(told, _posterior(prior, chances, seen), title=title))
    return cases


Table = tuple[str, dict[str, float], dict[str, dict[str, float]], list[str]]


def _alarm(rng: Random) -> Table:
    rare = rng.choice((0.0005, 0.001, 0.002, 0.005))
    chances = {"attack": {"alarm": 0.99, "none": 0.01}, "harmless": {"alarm": 0.01, "none": 0.99}}
    seen = ["alarm"] * rng.randint(1, 2)
    return (
        f"a rare thing, {len(seen)} × alarm",
        {"attack": rare, "harmless": 1 - rare},
        chances,
        seen,
    )


def _several(rng: Random) -> Table:
    names = rng.sample(_NAMES, rng.randint(3, 5))
    signs = ["red", "green", "blue"]
    chances = {name: _spread(rng, signs, 0.1) for name in names}
    seen = rng.choices(signs, k=rng.randint(3, 6))
    return f"{len(names)} causes, {len(seen)} signs", _spread(rng, names, 0.1), chances, seen


def _long(rng: Random) -> Table:
    """So many signs that their chances, multiplied, are less than any number a float holds."""
    names, signs = rng.sample(_NAMES, 3), ["a", "b", "c", "d"]
    chances = {name: _spread(rng, signs, 3.0) for name in names}
    one = {sign: sum(chances[name][sign] for name in names) / 3 for sign in signs}
    seen = rng.choices(signs, weights=[one[sign] for sign in signs], k=rng.randint(900, 1100))
    return f"{len(seen)} signs", _spread(rng, names, 1.0), chances, seen


def _excluded(rng: Random) -> Table:
    names, signs = rng.sample(_NAMES, 3), ["a", "b", "c"]
    chances = {name: _spread(rng, signs, 0.3) for name in names}
    never = chances[names[0]]
    never["a"], never["b"] = 0.0, never["a"] + never["b"]
    return "a sign that one cause never shows", _spread(rng, names, 0.3), chances, ["b", "a", "b"]


def _spread(rng: Random, names: Sequence[str], even: float) -> dict[str, float]:
    """Chances that sum to 1; the larger `even`, the more alike."""
    parts = [even + rng.random() for _ in names]
    return {name: part / sum(parts) for name, part in zip(names, parts, strict=True)}


def _posterior(
    prior: Mapping[str, float], chances: Mapping[str, Mapping[str, float]], seen: Sequence[str]
) -> dict[str, float]:
    logs = {
        name: math.log(prior[name])
        + sum(math.log(p) if (p := chances[name][sign]) else -math.inf for sign in seen)
        for name in prior
    }
    top = max(logs.values())
    powers = {name: math.exp(log - top) for name, log in logs.items()}
    return {name: power / sum(powers.values()) for name, power in powers.items()}


_POSTERIOR = """import copy, json
_given = {prior}, {chances}, {seen}
_kept = copy.deepcopy(_given)
_found = posterior(*_given)
print(json.dumps(dict(chances={{str(k): float(v) for k, v in dict(_found).items()}},
    kept=_given == _kept)))"""


def pieces(rng: Random, count: int) -> Sequence[Case]:
    """Pieces of articles that nobody counted in."""
    cases: list[Case] = []
    for name in rng.sample(UNSEEN, count):
        first = rng.randrange(len(unseen(name)) - PIECE)
        told = json.dumps({"article": name, "first": first, "seed": rng.randrange(10**6)})
        cases.append(Case(told, title=f"{PIECE} characters of {name}, from {first}"))
    return cases


def claims(rng: Random, count: int) -> Sequence[Case]:
    """Chances that were claimed, and what came true; `expect` is what to make of it."""
    cases: list[Case] = []
    for n in range(count):
        size = rng.randint(40, 400)
        ends = ((0.02, 0.98), (0.5, 0.999), (0.001, 0.2))[n % 3]
        said = [round(rng.uniform(*ends), 4) for _ in range(size)]
        bent = (1.0, rng.uniform(1.6, 2.4), rng.uniform(0.5, 0.7))[(n // 3 + n) % 3]
        hits = [rng.random() < p**bent for p in said]
        mean, spread = sum(said), math.sqrt(sum(p * (1 - p) for p in said))
        expect = {"mean": mean, "spread": spread, "off": (sum(hits) - mean) / spread}
        told = _DOUBT.format(said=said, hits=hits)
        cases.append(Case(told, expect, title=f"{size} claims from {ends[0]} to {ends[1]}"))
    return cases


_DOUBT = """import json
_mean, _spread, _off = doubt({said}, {hits})
print(json.dumps(dict(mean=float(_mean), spread=float(_spread), off=float(_off))))"""


def witnesses(rng: Random, count: int) -> Sequence[Case]:
    """The model's own answers, to learn from and to be judged on; drawn by the tool that asks."""
    return [
        Case(
            json.dumps({"seed": rng.randrange(10**6)}),
            title=f"the model's own claims, draw {n + 1}",
        )
        for n in range(count)
    ]
