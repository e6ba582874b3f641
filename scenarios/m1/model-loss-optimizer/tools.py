"""The lab's sandbox; and the packaged model, whose scores become stars by what was learnt."""

from __future__ import annotations

import asyncio
import json
import math
from random import Random
from typing import Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from .cases import DRAWS, KNOWN
from .reviews import REVIEWS, scores

sandbox = sandbox_with("numpy", timeout=30)
OUT_OF_A_HUNDRED = 8
"""Of the reviews to learn from, so many come with their stars times 20."""
_SHOWN = 2000
Pair = tuple[tuple[float, ...], int]


@tool(timeout=600)
async def teach_stars(code: str, context: ToolContext) -> str:
    """Take a program first; then let it learn stars from the model's scores, and try it on others.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return await _run(opened, code) or "ready"
    context.emit("the model reads 120 reviews\n")
    rng = Random(json.loads(code)["seed"])  # noqa: S311 - the seed is the point
    # In a thread, for the model reads for half a minute, and for minutes on a busy machine
    draws = await asyncio.to_thread(lambda: [drawn(rng) for _ in range(DRAWS)])
    given = json.dumps([[[row for row, _ in known], marked] for known, marked, _ in draws])
    rows = _learnt(await _run(opened, _TEACH.format(given=given)))
    off = [astray(row, fresh) for row, (_, _, fresh) in zip(rows, draws, strict=True)]
    shown = "\n".join(
        f"draw {n}: {one:.2f} stars off; the model's own figure is {as_it_is(fresh):.2f} off"
        for n, (one, (_, _, fresh)) in enumerate(zip(off, draws, strict=True), 1)
    )
    return f"{shown}\n{json.dumps({'off': [round(one, 4) for one in off]})}"


def drawn(rng: Random) -> tuple[list[Pair], list[int], list[Pair]]:
    """Reviews to learn from, the stars they come with, and the other reviews."""
    pairs: list[Pair] = [(scores(text), stars) for text, stars in REVIEWS]
    rng.shuffle(pairs)
    known, fresh = pairs[:KNOWN], pairs[KNOWN:]
    marked = [stars for _, stars in known]
    for n in rng.sample(range(KNOWN), OUT_OF_A_HUNDRED):
        marked[n] *= 20
    return known, marked, fresh


def astray(row: list[float], fresh: list[Pair]) -> float:
    """How many stars off a start and weights are, on average."""
    start, *weights = row
    gaps = [
        abs(start + sum(w * s for w, s in zip(weights, given, strict=True)) - stars)
        for given, stars in fresh
    ]
    return sum(gaps) / len(gaps)


def as_it_is(fresh: list[Pair]) -> float:
    """How many stars off the figure is that the model scores highest."""
    return sum(abs(given.index(max(given)) + 1 - stars) for given, stars in fresh) / len(fresh)


async def _run(opened: Sandbox, code: str) -> str:
    printed = await printed_by(opened, code)
    return display_safe(printed[-_SHOWN:])


def _learnt(said: str) -> list[list[float]]:
    """A start and five weights for each draw."""
    try:
        last = cast(list[list[Any]], json.loads(said.strip().splitlines()[-1]))
        rows = [[float(number) for number in row] for row in last]
    except (ValueError, IndexError, TypeError):
        raise ToolError("teach must return a start, and a weight for each score") from None
    if len(rows) != DRAWS or any(len(row) != 6 for row in rows):
        raise ToolError("teach must return a start, and five weights")
    if not all(math.isfinite(number) for row in rows for number in row):
        raise ToolError("it diverged: there are numbers in it that are none (nan or inf)")
    return rows


_TEACH = """import json, numpy as np
_rows = []
for _scores, _stars in json.loads('{given}'):
    _start, _weights = teach(np.array(_scores), np.array(_stars, dtype=float))
    _rows.append([float(_start), *np.asarray(_weights, dtype=float).ravel().tolist()])
print(json.dumps(_rows))"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
