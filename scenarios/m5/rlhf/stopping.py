"""`stop`: recorded runs, what a program may see of them, and what the ear says of its choice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast

from agentlab.errors import ToolError

SHOWN, GRADED = 12, 12
"""Runs that are shown with what the ear said; of the others, how many are drawn."""
SEEN = ("reward", "others", "kl", "votes")
KEPT, WORSE = 0.35, 0.6
"""Of what the best step of each run gains by the ear, at least; points that a run may lose."""
_FILE = Path(__file__).with_name("runs.json")


@cache
def runs() -> list[dict[str, Any]]:
    """All that were recorded; `make_runs.py` says how."""
    return json.loads(_FILE.read_text(encoding="utf-8"))


def shown() -> list[dict[str, Any]]:
    """Those to learn from."""
    return [{name: one[name] for name in (*SEEN, "ear")} for one in runs()[:SHOWN]]


def drawn(seed: int) -> list[dict[str, Any]]:
    """Those to choose in."""
    return Random(seed).sample(runs()[SHOWN:], GRADED)  # noqa: S311 - the seed is the point


def blind(some: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a program sees of them."""
    return [{name: one[name] for name in SEEN} for one in some]


def gained(run: Mapping[str, Any], step: int) -> tuple[float, float]:
    """(points more than at first after this step, and after the best)."""
    smooth = [_mean(run["ear"][max(0, at - 1) : at + 2]) for at in range(len(run["ear"]))]
    return smooth[step] - smooth[0], max(smooth) - smooth[0]


def judged(some: Sequence[Mapping[str, Any]], said: object) -> tuple[str, dict[str, Any]]:
    """(what to show, what is wrong by check) of the steps that were chosen."""
    if not isinstance(said, list) or len(cast(list[Any], said)) != len(some):
        raise ToolError("what came out of it can't be read")
    found: dict[str, Any] = dict.fromkeys(("kept", "never"))
    lines: list[str] = []
    got = best = 0.0
    for run, step in zip(some, cast(list[Any], said), strict=True):
        last = len(run["kl"]) - 1
        if type(step) is not int or not 0 <= step <= last:
            raise ToolError(f"stop(run) must return a step, 0 to {last}, not {str(step)[:40]}")
        mine, most = gained(run, step)
        got, best = got + mine, best + most
        lines.append(f"after {step}: reward {run['reward'][step]:+.2f}, ear {mine:+.2f}")
        if mine < -WORSE and not found["never"]:
            found["never"] = (
                f"a run was let go on for {step} steps: its reward rose from {run['reward'][0]:.1f}"
                f" to {run['reward'][step]:.1f}, and the ear gives {-mine:.1f} points less"
            )
    if got < KEPT * best:
        found["kept"] = (
            f"{got / len(some):+.2f} points a run by the ear; the best steps have "
            f"{best / len(some):+.2f}, of which {KEPT:.0%} are needed"
        )
    return "\n".join(lines), found


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
