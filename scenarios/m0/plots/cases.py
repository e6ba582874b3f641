"""What the learner's functions draw; `judging` knows what must be seen of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from math import exp
from pathlib import Path
from random import Random
from typing import Any

from agentlab.labs import Case

_CALLS = "seconds of a call"
_LIMIT = 30.0
"""After so many seconds a call is given up."""
_RUNS = ("base", "tuned", "small", "large", "quantized", "distilled")
FIGURES = ("speed", "errors", "cost")


@lru_cache(maxsize=1)
def recorded() -> dict[str, Any]:
    """What `record` wrote."""
    return json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))


def curves(rng: Random, count: int) -> Sequence[Case]:
    """A training run a case, from a step on."""
    return [_case("curve", [_run(rng, rng.choice(recorded()["runs"]))], n) for n in range(count)]


def _run(rng: Random, run: Any) -> dict[str, Any]:
    """The end of a run that was resumed, so that it doesn't begin with step 0."""
    noise = int(run["noise"])
    begun = noise - rng.choice([n for n in range(151, 350) if n % 10 and n % 4 and n % 5])
    resumed = rng.randrange(1000, 9000, 100)
    steps = list(range(begun, len(run["losses"])))
    return {
        "steps": [resumed + step for step in steps],
        "losses": [run["losses"][step] for step in steps],
        "held_out": [[resumed + step, loss] for step, loss in run["held_out"] if step >= begun],
    }


def spreads(rng: Random, count: int) -> Sequence[Case]:
    """Two distributions a case: of a model's tokens, and of calls of which one was given up."""
    cases: list[Case] = []
    for n in range(count):
        tokens = rng.sample(recorded()["tokens"], 600)
        few, many = rng.uniform(0.5, 0.8), rng.uniform(1.7, 2.1)
        calls = [
            *(abs(rng.gauss(few, 0.11)) for _ in range(rng.randint(140, 180))),
            *(abs(rng.gauss(many, 0.16)) for _ in range(rng.randint(110, 140))),
            round(rng.uniform(28.5, _LIMIT - 0.1), 2),
        ]
        calls = [round(seconds, 3) for seconds in calls]
        rng.shuffle(calls)
        figures = [
            {
                "values": tokens,
                "bounds": [0.0, 1.0],
                "what": "probability of the token",
                "humps": [0.02, 0.98],
                "valley": 0.5,
                "near": 0.03,
            },
            {
                "values": calls,
                "bounds": [0.0, _LIMIT],
                "what": _CALLS,
                "humps": [few, many],
                "valley": (few + many) / 2,
                "near": 0.1,
            },
        ]
        cases.append(_case("spread", figures, n))
    return cases


def heats(rng: Random, count: int) -> Sequence[Case]:
    """What tuning did to the first words of some answers; some of it nobody knows."""
    cases: list[Case] = []
    told = recorded()
    while len(cases) < count:
        rows = rng.sample(range(len(told["rows"])), 7)
        columns = rng.sample(range(len(told["columns"])), 5)
        table = [[told["gains"][row][column] for column in columns] for row in rows]
        known = [gain for line in table for gain in line if gain is not None]
        if not known or not _fit(min(known), max(known), len(rows) * len(columns) - len(known)):
            continue
        figure = {
            "table": table,
            "rows": [told["rows"][row] for row in rows],
            "columns": [told["columns"][column] for column in columns],
            "what": "nats gained",
        }
        least, most = -min(known), max(known)
        asked = [-least, -least / 2, 0.0, least / 2, least, most / 2, most]
        cases.append(_case("heat", [figure], len(cases), asked=asked))
    return cases


def _fit(low: float, high: float, gaps: int) -> bool:
    """Losses and larger gains, and some that nobody knows."""
    return low < -0.25 and high > -2 * low and gaps > 2


def charts(rng: Random, count: int) -> Sequence[Case]:
    """Three bar charts and one on a logarithmic axis; and what a model is asked of one."""
    cases: list[Case] = []
    for n in range(count):
        figures: list[dict[str, Any]] = []
        for name in (*FIGURES, "tokens"):
            names = rng.sample(_RUNS, 4)
            values = [round(exp(rng.uniform(3.9, 4.5)), 1) for _ in names]
            low, high = min(values), max(values)
            limits = {
                "speed": [round(low * rng.uniform(0.8, 0.95), 1), round(high * 1.05, 1)],
                "errors": [0.0, round(high * 1.1, 1)],
                "cost": [0.0, round((low + high) / 2, 1)],
                "tokens": [1.0, high * 2],
            }
            if high / low < 1.15 or len(set(values)) < 4:
                values = [52.0, 61.5, 66.0, 71.4]
                rng.shuffle(values)
                limits = dict(zip(limits, ([45, 75], [0, 80], [0, 60], [1, 100]), strict=True))
            figures.append({"name": name, "names": names, "values": values, "limits": limits[name]})
        asked = rng.choice(FIGURES[:2])
        cases.append(_case("look", figures, n, question=asked))
    return cases


def _case(task: str, figures: Sequence[Any], number: int, **more: Any) -> Case:
    told = json.dumps({"task": task, "figures": figures, **more})
    return Case(told, title=f"{len(figures)} figure{'s'[: len(figures) - 1]}, draw {number + 1}")
