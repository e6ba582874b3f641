"""The numbers in the lesson, made again: `python measure.py [verdicts|roads]` in this folder.

The roads take about an hour on one core; what they made stays in `improve` in AGENTLAB_HOME.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.train.waiting import wait_asleep

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("cases", "road", "answers_prove", "answers_road")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
cases, road, answers_prove, answers_road = _modules
DRAWS, ROADS = 10, 3


def program(text: str) -> dict[str, Any]:
    """What a program of the lab defines."""
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the lab's own
    return space


def verdicts() -> None:
    """How often each way to judge claims something where nothing changed, and sees a gain."""
    made = answers_prove.PROVE
    ways = {"starter": made.starter, "solution": made.solution, **made.also, **made.wrong}
    for name, answer in ways.items():
        verdict = program(answer.code)["verdict"]
        rows: list[list[float]] = []
        for seed in range(DRAWS):
            rng = Random(seed)  # noqa: S311 - the seed is the point
            null = [cases._pair(rng, 0.0) for _ in range(cases.NULL)]
            real = [cases._gained(rng) for _ in range(cases.REAL)]
            claimed = np.mean([verdict(*pair) != "not shown" for pair in null])
            rows.append([float(claimed), float(np.mean([verdict(*p) == "better" for p in real]))])
        print(name, "claims of nothing", *_spread(rows, 0), "gains seen", *_spread(rows, 1))


def _spread(rows: list[list[float]], column: int) -> tuple[str, ...]:
    values = [row[column] for row in rows]
    return f"{np.mean(values):.3f}", f"({min(values):.3f} to {max(values):.3f})"


def _unheard(_: object) -> None:
    """Nobody is told."""


def roads() -> None:
    """What the whole road comes to with right answers and with wrong ones."""
    made = answers_road.ROAD
    answers = {"solution": made.solution, **made.also, **made.wrong}
    ways = {name: answer.code for name, answer in answers.items()}
    ways["all that was tried, three epochs"] = answers_road._road(pick=answers_road._ALL)
    for seed in range(ROADS):
        for name, code in ways.items():
            space = program(code)

            async def called(what: str, given: Any, space: dict[str, Any] = space) -> Any:
                return space["SETTINGS"] if what == "settings" else space[what](*given)

            shown, found = asyncio.run(road.walked(seed, called, _unheard, _unheard))
            print(name, seed, shown, {k: v for k, v in found.items() if v}, flush=True)


if __name__ == "__main__":
    wait_asleep()
    every = {"verdicts": verdicts, "roads": roads}
    for name in sys.argv[1:] or every:
        every[name]()
