"""The lab's sandbox; the tool that lets the learner's nets read moved digits, and find some.

What is right is known outside of the sandbox only, and answers are judged there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from . import net
from .judging import FOUND
from .reader import NAMES, asked

if TYPE_CHECKING:
    from .net import Array

ENGINE = Path(__file__).with_name("engine.txt")
"""Python for the sandbox: convolution, and what trains filters."""
KNOWN, FRESH = 2000, 400
SCENES = 200
NEAR = 2
"""Points that a place may be off, down and to the right."""
SHIFTS = {
    "in the middle": ((0, 0),),
    "moved by 1": ((1, 0), (-1, 0), (0, 1), (0, -1)),
    "moved by 2": ((2, 0), (-2, 0), (0, 2), (0, -2), (2, 2), (2, -2), (-2, 2), (-2, -2)),
}
"""Down and right. The digits are shared out among those of a kind."""
_LIKE = 500
"""Known digits that a place may look like."""
_DRAWN = 6
_SECONDS = 30.0
_SHOWN = 2000
_MOST = 2_000_000


sandbox = sandbox_with("numpy", timeout=_SECONDS, threads=1, files={"engine.py": ENGINE})


@tool(timeout=600)
async def look(code: str, context: ToolContext) -> str:
    """Take a program first; then show it moved digits, or scenes to search, and measure it.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        printed = await printed_by(opened, code)
        return display_safe(printed[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    task = _shifted if told["task"] == "shifted" else _find
    shown, found = await task(opened, told["seed"], context)
    return f"{display_safe(shown)}\n{json.dumps(found)}"


def moved(fresh: Array) -> Array:
    """The same digits in each kind of shift, one kind after the other."""
    import numpy as np

    made: list[Array] = []
    for places in SHIFTS.values():
        kind = np.zeros((len(fresh), net.ROOM, net.ROOM))
        for number, (down, right) in enumerate(places):
            rows = slice(number, None, len(places))
            kind[rows] = net.shifted(fresh[rows], down, right)
        made.append(kind)
    return np.concatenate(made)


async def _shifted(opened: Sandbox, seed: int, _: ToolContext) -> tuple[str, Mapping[str, Any]]:
    """Let a reader learn from digits in the middle, and read others wherever they are."""
    import numpy as np

    x, y, fresh, right = net.drawn(seed, KNOWN, FRESH)
    pictures = moved(fresh)
    order = np.random.default_rng(seed).permutation(len(pictures))
    given = {"x": net.shifted(x, 0, 0), "y": y, "pictures": pictures[order]}
    made = await _run(opened, given, _SHIFTED)
    said = np.empty(len(pictures), dtype=int)
    said[order] = _whole(made.get("said"), (len(pictures),), "read(pictures) must return a digit")
    shares = (said.reshape(len(SHIFTS), -1) == right).mean(axis=1)
    right_of = dict(zip(SHIFTS, shares.tolist(), strict=True))
    lines = [f"{kind}: {share:.1%} right" for kind, share in right_of.items()]
    filters = made.get("filters")
    if filters is not None:
        lines = [_beside(filters, given["x"]), *lines]
    return "\n".join(lines), {"right": right_of}


def _beside(said: object, pictures: Array) -> str:
    """Some filters drawn, and below each what it answers to most."""
    import numpy as np

    try:
        filters = np.array(said, dtype=float)
    except (TypeError, ValueError):
        filters = np.zeros(())
    if filters.ndim != 3 or max(filters.shape[1:]) > net.ROOM or not np.isfinite(filters).all():
        return "(reader.filters is drawn if it is an array of (filters, rows, columns))"
    filters = filters[:_DRAWN]
    most = np.abs(filters).max(axis=(1, 2), keepdims=True) + 1e-9
    drawn = net.drawing((filters / most + 1) / 2, "=- +#")
    return (
        f"{drawn}\nand what each answers to most:\n{net.drawing(net.strongest(filters, pictures))}"
    )


async def _find(opened: Sandbox, seed: int, context: ToolContext) -> tuple[str, Mapping[str, Any]]:
    """Let a finder search scenes; if it finds enough, an agent is asked about some of them."""
    import numpy as np

    x, y, fresh, right = net.drawn(seed, KNOWN, FRESH)
    scenes, places = net.scenes(fresh[:SCENES], fresh[SCENES:], seed)
    made = await _run(opened, {"x": x, "y": y, "pictures": scenes}, _FIND)
    why = "find(picture) must return (digit, row, column)"
    said = _whole(made.get("said"), (SCENES, 3), why)
    near = (np.abs(said[:, 1:] - np.array(places)) <= NEAR).all(axis=1)
    same = near & (said[:, 0] == right[:SCENES])
    found: dict[str, Any] = {"near": float(near.mean()), "found": float(same.mean()), "agent": []}
    lines = [net.drawing(scenes[:1])]
    if found["found"] >= FOUND:
        context.emit("asking the agent\n")
        chosen = net.clearest(scenes, places, x[:_LIKE])[: len(NAMES)]
        told = [_named(right[n], places[n]) for n in chosen]
        read = [_named(said[n, 0], said[n, 1:].tolist()) for n in chosen]
        found["agent"] = await asked(list(zip(told, read, strict=True)))
        lines = [net.drawing(scenes[chosen[:1]])]
        lines += [f"{one['asked']} {one['there']} → {one['said']}" for one in found["agent"]]
    lines.append(f"{found['near']:.0%} of the places found, {found['found']:.0%} with their digit")
    return "\n".join(lines), found


def _named(digit: int, place: Sequence[int]) -> str:
    return f"{digit} at the {net.corner(*place)}"


def _whole(said: object, shape: tuple[int, ...], why: str) -> Array:
    """What was sent out, if it is whole numbers in that shape."""
    import numpy as np

    try:
        made = np.array(said, dtype=float)
    except (TypeError, ValueError):
        raise ToolError(why) from None
    if made.shape != shape or not np.isfinite(made).all() or (made % 1).any():
        raise ToolError(f"{why}, for each picture")
    return made.astype(int)


async def _run(opened: Sandbox, given: Mapping[str, Array], code: str) -> Mapping[str, Any]:
    """Run our code on the learner's function, and read the file that it leaves."""
    import numpy as np

    file = io.BytesIO()
    np.savez_compressed(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())
    await printed_by(opened, _GIVEN + code)
    try:
        made: object = json.loads(await opened.read_file("made.json", limit=_MOST))
    except (ValueError, RecursionError):
        made = None
    if not isinstance(made, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], made)


_GIVEN = """import json, numpy
_given = dict(numpy.load('given.npz'))
"""
_SHIFTED = """_reader = Reader(_given['x'], _given['y'])
_said = numpy.asarray(_reader.read(_given['pictures']), dtype=float).tolist()
_filters = getattr(_reader, 'filters', None)
if _filters is not None:
    _filters = numpy.round(numpy.asarray(_filters, dtype=float)[:6], 4).tolist()
with open('made.json', 'w') as _file:
    json.dump(dict(said=_said, filters=_filters), _file)"""
_FIND = """_finder = Finder(_given['x'], _given['y'])
_said = [[float(n) for n in _finder.find(picture)] for picture in _given['pictures']]
with open('made.json', 'w') as _file:
    json.dump(dict(said=_said), _file)"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
