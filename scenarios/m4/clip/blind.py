"""Probes: pairs of facts from inside, scored by boxes outside, and judged inside again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext
from agentlab_tools.emoji.sheet import Row, sheet

from .boxes import KINDS, boxes, learnt
from .looking import numbers
from .scenes import NAMES, SHADES, Fact, fact_of, picture, sentence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Run: TypeAlias = Callable[[Mapping[str, "Array"], str], Awaitable[Mapping[str, "Array"]]]
PAIRS = 40
"""Of each kind."""
THINGS, COLOURS = 20, 4


async def probe(run: Run, seed: int, context: ToolContext | None) -> tuple[str, Mapping[str, Any]]:
    """Ask a program for pairs, show them to boxes, and hear what it makes of the scores."""
    import numpy as np

    rng = Random(seed)  # noqa: S311 - the seed is the point
    names, colours = rng.sample(NAMES, THINGS), rng.sample(sorted(SHADES), COLOURS)
    told = {"names": names, "colours": colours, "kinds": KINDS, "pairs": PAIRS, "seed": seed}
    made = await run({}, _ASK.format(told=json.dumps(told)))
    pairs = _pairs(made, names, colours)
    some = boxes(seed)
    table = np.array([[box.scores(pairs[kind], colours) for kind in KINDS] for _, box in some])
    said = await run({"scores": table}, _SAID)
    sees = numbers(said.get("sees"), (len(some), len(KINDS)), "sees must return True or False") > 0
    wrong = [
        (box, kind, "sees" if says else "blind")
        for (box, one), row in zip(some, sees, strict=True)
        for kind, says in zip(KINDS, row.tolist(), strict=True)
        if says != (kind in one.sees)
    ]
    if context is not None:
        context.attach("asked.png", _shown(pairs), "image/png")
    lines = [
        f"box {box}: {', '.join(kind for kind, says in zip(KINDS, row, strict=True) if says)}"
        for (box, _), row in zip(some, sees.tolist(), strict=True)
    ]
    real = next(box for box, one in some if one is learnt())
    lines.append(f"(box {real} is the space that was learnt from emoji)")
    return "\n".join(lines), {"wrong": wrong}


def _pairs(
    made: Mapping[str, Array], names: list[str], colours: list[str]
) -> dict[str, list[tuple[Fact, Fact]]]:
    """The pairs that a program wrote, by what they ask for."""
    why = "pair must return two facts"
    try:
        said = json.loads(bytes(made["pairs"].astype("uint8")).decode())
        found = {kind: [tuple(pair) for pair in said[kind]] for kind in KINDS}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise ToolError(why) from None
    pairs: dict[str, list[tuple[Fact, Fact]]] = {}
    for kind, some in found.items():
        if len(some) != PAIRS or any(len(one) != 2 for one in some):
            raise ToolError(f"{why}, for {kind!r} too")
        pairs[kind] = [(fact_of(a, names, colours), fact_of(b, names, colours)) for a, b in some]
    return pairs


def _shown(pairs: Mapping[str, list[tuple[Fact, Fact]]]) -> bytes:
    """The first pair of each kind, and what the learnt space makes of all of them."""
    rows: list[Row] = []
    for kind, some in pairs.items():
        scores = learnt().scores(some, ())
        both = scores[:, 0, 0] + scores[:, 1, 1] > scores[:, 0, 1] + scores[:, 1, 0]
        words = " | ".join(sentence(fact) for fact in some[0])
        below = f"{kind}: the learnt space {both.mean():.0%}"
        rows.append(Row(words, [picture(fact) for fact in some[0]], (), below))
    return sheet(rows)


_ASK = """_told = json.loads({told!r})
_rng = random.Random(_told['seed'])
_pairs = {{_kind: [[list(map(str, _fact)) for _fact in pair(_kind, list(_told['names']),
    list(_told['colours']), _rng)] for _ in range(_told['pairs'])] for _kind in _told['kinds']}}
_made['pairs'] = numpy.frombuffer(json.dumps(_pairs).encode(), dtype='uint8')"""
_SAID = """_made['sees'] = numpy.array([[bool(sees(_one.copy())) for _one in _row]
    for _row in _given['scores']])"""
