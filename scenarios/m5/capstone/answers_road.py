"""Answers to `road`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

from .answers_pick import PICK
from .answers_prove import PROVE


def _road(
    *,
    tries: int = 3,
    temperature: float = 0.5,
    epochs: float = 3,
    lr: float = 5e-4,
    pick: str = PICK.solution.code,
    verdict: str = PROVE.solution.code,
) -> str:
    settings = f'"tries": {tries}, "temperature": {temperature}, "epochs": {epochs}, "lr": {lr}'
    return f"SETTINGS = {{{settings}}}\n\n\n{pick}\n\n{verdict}"


_ALL = """\
def pick(tries, asked_later):
    return [one["messages"] for one in tries]
"""
_WRITTEN = """\
def pick(tries, asked_later):
    made = []
    for one in tries:
        if one["right"]:
            messages = [dict(message) for message in one["messages"]]
            messages[-1]["content"] = one["answer"].strip() + "."
            made.append(messages)
    return made
"""

ROAD = programs(
    starter=_road(tries=1, lr=1e-6, pick=PICK.starter.code, verdict=PROVE.starter.code),
    solution=_road(),
    also={"every-good-one": _road(pick=PICK.starter.code)},
    wrong={
        "all-that-was-tried": _road(epochs=0.5, pick=_ALL),
        "written-by-hand": _road(pick=_WRITTEN),
        "always-proud": _road(
            lr=1e-6, epochs=0.5, verdict='def verdict(before, after):\n    return "better"\n'
        ),
    },
    mistakes={
        "all-that-was-tried": "better",
        "written-by-hand": "own",
        "always-proud": "claim",
    },
)
