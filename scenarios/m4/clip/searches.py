"""Requests for pictures: chosen from inside, judged outside, and an agent at the end."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext
from agentlab_tools.emoji import MAKERS, emoji
from agentlab_tools.emoji.sheet import Row, sheet

from . import space
from .judging import ASKED as ENOUGH
from .kinds import REQUESTS
from .looking import embed, numbers
from .searcher import asked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Run: TypeAlias = Callable[[Mapping[str, "Array"], str], Awaitable[Mapping[str, "Array"]]]
COUNT = 8
"""Pictures found for a request."""
_TEXTS = 8
_LONGEST = 200


async def search(run: Run, seed: int, context: ToolContext | None) -> tuple[str, Mapping[str, Any]]:
    """Search new pictures for every request; if enough of it fits, an agent asks for some."""
    import numpy as np

    known, (made_space, new) = emoji(), space.learnt(seed)
    things = np.tile(new, len(MAKERS))
    rows = np.concatenate([known.features[maker][new] for maker in range(len(MAKERS))])
    told = [[one.wanted, one.unwanted] for one in REQUESTS]
    texts = _texts(await run({}, _WORDS.format(told=json.dumps(told))))
    vectors = made_space.read(embed()([text for some in texts for text in some]))
    given = {"pictures": made_space.see(rows), "vectors": vectors}
    given |= {"ends": np.cumsum([len(some) for some in texts]), "count": np.array(COUNT)}
    said = (await run(given, _PICK)).get("picked")
    why = f"pick must return {COUNT} different numbers of pictures"
    picked = numbers(said, (len(REQUESTS), COUNT), why).astype(int)
    if any(
        len(set(one)) < COUNT or min(one) < 0 or max(one) >= len(rows) for one in picked.tolist()
    ):
        raise ToolError(why)
    found, shown = _measured(things, picked)
    lines = [f"{found['fits']:.0%} fits, {found['unwanted']:.0%} was not wanted"]
    told_of: list[Any] = []
    if context is not None:
        context.attach("found.png", sheet(shown), "image/png")
    if context is not None and found["fits"] >= ENOUGH:
        context.emit("asking the agent\n")
        names = {
            one: list(dict.fromkeys(known.names[things[some]].tolist()))
            for one, some in zip(REQUESTS, picked, strict=True)
        }
        told_of = await asked(names, [REQUESTS[seed % len(REQUESTS)]])
        lines += [f"{one['asked']} → {one['said']}" for one in told_of]
    found["agent"] = told_of
    return "\n".join(lines), found


def _measured(things: Array, picked: Array) -> tuple[dict[str, Any], list[Row]]:
    """How much fits, how much must not be there, the worst; and a sheet of it."""
    import numpy as np

    fits, bad, rows = list[float](), list[float](), list[Row]()
    for request, some in zip(REQUESTS, picked, strict=True):
        good, wrong = (which[some] for which in request.fits(things))
        looks = [emoji().pictures[n // (len(things) // 2), things[n]] for n in some.tolist()]
        rows.append(Row(request.question(), looks, np.flatnonzero(good).tolist()))
        if request.unwanted:
            fits.append(float(good.mean()))
            bad.append(float(wrong.mean()))
    last = int(np.argmin(fits))
    asked_for = [one for one in REQUESTS if one.unwanted][last]
    worst = f"{asked_for.question()!r}: {fits[last]:.0%} fits, {bad[last]:.0%} was not wanted"
    return {"fits": float(np.mean(fits)), "unwanted": float(np.mean(bad)), "worst": worst}, rows


def _texts(made: Mapping[str, Array]) -> list[list[str]]:
    """What is to be read for each request."""
    try:
        said: Sequence[Sequence[str]] = json.loads(bytes(made["texts"].astype("uint8")).decode())
    except (KeyError, ValueError, AttributeError, RecursionError):
        said = []
    if len(said) != len(REQUESTS) or any(not 1 <= len(some) <= _TEXTS for some in said):
        raise ToolError(f"words must return a list of 1 to {_TEXTS} texts")
    return [[str(text)[:_LONGEST] for text in some] for some in said]


_WORDS = """_texts = [list(map(str, words(_w, _u))) for _w, _u in json.loads({told!r})]
_made['texts'] = numpy.frombuffer(json.dumps(_texts).encode(), dtype='uint8')"""
_PICK = """_begin, _all = 0, []
for _end in _given['ends'].tolist():
    _all.append(numpy.asarray(pick(_given['pictures'].copy(), _given['vectors'][_begin:_end].copy(),
        int(_given['count']))).tolist())
    _begin = _end
_made['picked'] = numpy.array(_all)"""
