"""The lab's tools: sandboxes for the learner's program, and what is measured of it outside."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import require

from . import families, layers, serving
from .rounding import LEEWAY, Try, budget, error, rounded, tries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

INSIDE = Path(__file__).with_name("inside.py")
"""Read as text: it runs in the sandbox."""
FOUR_BITS = Path(__file__).with_name("four_bits.py")
_SECONDS = 60.0
_SHOWN = 2000
_LARGEST = 4_000_000
_KINDS = families.KINDS
_MOST = 16
"""Arrays that a matrix may be kept in."""


@dataclass
class Bench:
    """Sandboxes, opened when they are needed, and the learner's program."""

    stack: AsyncExitStack
    program: str | None = None
    boxes: dict[str, Sandbox] = field(default_factory=dict[str, Sandbox])

    async def box(
        self, name: str, *packages: str, files: Mapping[str, Path] = MappingProxyType({})
    ) -> Sandbox:
        """The sandbox of a name, with the program run in it; the program knows of no other.

        Args:
            files: put into it before the program runs.

        Raises:
            ToolError: the program failed.
        """
        if name not in self.boxes:
            limits = SandboxLimits(timeout=_SECONDS, threads=1)
            opened = await self.stack.enter_async_context(
                Sandbox.open(packages=packages, limits=limits, spare=False)
            )
            self.boxes[name] = opened
            for to, file in files.items():
                await opened.write_file(to, file.read_bytes())
            await printed_by(opened, self.program or "")
        return self.boxes[name]


@asynccontextmanager
async def bench() -> AsyncGenerator[Equipment]:
    """Room for sandboxes; the strength of the one that every step has stands in the trace.

    Raises:
        MissingExtra: what trains is not installed.
    """
    require({"torch": "train", "transformers": "train", "gguf": "train"})
    async with AsyncExitStack() as stack:
        limits = SandboxLimits(timeout=_SECONDS, threads=1)
        first = await stack.enter_async_context(
            Sandbox.open(packages=("numpy",), limits=limits, spare=False)
        )
        info = first.describe()
        yield Equipment(
            deps=Bench(stack, boxes={"first": first}),
            labels={"sandbox": f"{info.level} ({info.backend})"},
        )


@tool(timeout=200)
async def keep(code: str, context: ToolContext) -> str:
    """Take a program first; then have matrices packed by it in one place, unpacked in another.

    The last line of what is returned is for the grader.
    """
    place: Bench = context.deps
    if place.program is None:
        place.program = code
        said = await printed_by(place.boxes["first"], code)
        return display_safe(said[:_SHOWN]).rstrip() or "ready"
    given = tries(int(json.loads(code)["seed"]))
    here = place.boxes["first"]
    await here.write_file("given.npz", _file({f"w{n}": one.weights for n, one in enumerate(given)}))
    await printed_by(here, _PACK.format(count=len(given)))
    kept = [await _arrays(here, f"kept{n}.npz") for n in range(len(given))]
    there = await place.box("there", "numpy")
    for n, arrays in enumerate(kept):
        await there.write_file(f"kept{n}.npz", _file(arrays))
    shapes = [one.weights.shape for one in given]
    await printed_by(there, _UNPACK.format(shapes=shapes))
    made = await _arrays(there, "made.npz")
    found = [measured(one, kept[n], made.get(f"w{n}")) for n, one in enumerate(given)]
    lines = [
        f"{one['title']}: {8 * one['bytes'] / one['count']:.2f} bits a weight, "
        + (f"off by {one['error']:.1%}" if one["why"] is None else one["why"])
        for one in found
    ]
    return "\n".join(lines) + "\n" + json.dumps({"tries": found})


def measured(given: Try, kept: Mapping[str, Array], made: Array | None) -> dict[str, Any]:
    """What a matrix took, and how far off it came back.

    Args:
        kept: the arrays that crossed from one sandbox to the other.
        made: what came of them.
    """
    import numpy as np

    weights = given.weights
    why: str | None = None
    if made is None or made.shape != weights.shape:
        why = f"{None if made is None else made.shape} came back for {weights.shape}"
    elif made.dtype.kind not in "fiu" or not np.isfinite(made).all():
        why = "there are numbers in it that are none (nan or inf)"
    return {
        "title": given.title,
        "count": int(weights.size),
        "bytes": sum(len(name) + part.nbytes for name, part in kept.items()),
        "room": budget(weights.size),
        "why": why,
        "error": 0.0 if why or made is None else error(made, weights),
        "allowed": LEEWAY * error(rounded(weights), weights),
    }


@tool(timeout=200)
async def pass_through(code: str, context: ToolContext) -> str:
    """Take a program with `FourBit` first; then send numbers through it, and slopes back.

    The last line of what is returned is for the grader.
    """
    place: Bench = context.deps
    if place.program is None:
        place.program = code
        return "ready"
    given = layers.drawn(int(json.loads(code)["seed"]))
    files = {"four_bits.py": FOUR_BITS, "inside.py": INSIDE}
    opened = await place.box("torch", "torch", "numpy", files=files)
    await opened.write_file("given.npz", _file(given.arrays))
    said = await printed_by(opened, _THROUGH.format(rank=given.rank, alpha=given.alpha))
    found = layers.measured(given, await _arrays(opened, "made.npz"), _json(said))
    shown = f"a layer of {given.out} by {given.width}, rank {given.rank}: {found['held']:,} bytes"
    return f"{shown}, {found['left']:,} wait for the way back\n{json.dumps(found)}"


@tool(timeout=900)
async def train_by_name(code: str, context: ToolContext) -> str:
    """Take a program with `needs` and `job` first; then train a small model of each family by it.

    The last line of what is returned is for the grader.
    """
    place: Bench = context.deps
    first = place.boxes["first"]
    if place.program is None:
        place.program = code
        said = await printed_by(first, code)
        return display_safe(said[:_SHOWN]).rstrip() or "ready"
    seed = int(json.loads(code)["seed"])
    asked = families.asked(seed)
    jobs = [(dict(families.small(kind, seed)), families.room(kind, seed)) for kind in _KINDS]
    said = _json(await printed_by(first, _PLAN.format(asked=asked, jobs=jobs)))
    found = families.compared(asked, said.get("needs"), said.get("jobs"), seed)
    lines = [f"{n['title']}: {n['said']:,} bytes, {n['taken']:,} counted" for n in found["needs"]]
    if not families.plain_mistakes(found):
        for one in found["jobs"]:
            ran = await asyncio.to_thread(
                families.tried, one["kind"], seed, one["recipe"], one["settings"], context.emit
            )
            one["ran"] = ran
            lines.append(
                f"{one['recipe']} on {one['kind']}: {ran['taken']:,} bytes in training, losses "
                f"{ran['losses']}, served in Q4_0"
            )
    return display_safe("\n".join(lines)) + f"\n{json.dumps(found)}"


@tool(timeout=900)
async def serve(code: str, context: ToolContext) -> str:
    """Take two lines first; then serve the agent as they say, and ask it about orders.

    The last line of what is returned is for the grader.
    """
    place: Bench = context.deps
    if place.program is None:
        serving.choice(code)
        place.program = code
        return "ready"
    chosen = serving.choice(place.program)
    context.emit(f"writing {chosen.base}, the adapter {chosen.adapter}\n")
    _, size = await asyncio.to_thread(serving.served, chosen)
    found: dict[str, Any] = {"megabytes": round(size, 1), "room": serving.ROOM, "orders": []}
    if size <= serving.ROOM:
        orders, said = await serving.calls(chosen, int(json.loads(code)["seed"]))
        found["orders"] = [list(pair) for pair in zip(orders, said, strict=True)]
    lines = [f"order {order}: {one}" for order, one in found["orders"]]
    return display_safe("\n".join([f"{size:.1f} MB", *lines])) + f"\n{json.dumps(found)}"


def _json(said: str) -> dict[str, Any]:
    try:
        found: object = json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], found)


def _file(arrays: Mapping[str, Array]) -> bytes:
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], arrays))
    return file.getvalue()


async def _arrays(opened: Sandbox, name: str) -> dict[str, Array]:
    """Arrays in a file that the program could have written as it liked.

    Raises:
        ToolError: they are none.
    """
    import numpy as np

    try:
        data = await opened.read_file(name, limit=_LARGEST)
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {str(key): np.asarray(file[key]) for key in file.files}
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        raise ToolError(f"what it returned can't be read: {type(error).__name__}") from error
    if len(found) > _MOST:
        raise ToolError(f"{len(found)} arrays are more than {_MOST}")
    return found


_PACK = """import numpy as _np
_given = dict(_np.load("given.npz"))
for _n in range({count}):
    _kept = packed(_given[f"w{{_n}}"])
    if not isinstance(_kept, dict):
        raise TypeError("packed returns a dict of arrays, by names")
    _np.savez(f"kept{{_n}}.npz", **{{_name: _np.asarray(_part) for _name, _part in _kept.items()}})
"""
_UNPACK = """import numpy as _np
_made = {{}}
for _n, _shape in enumerate({shapes}):
    _kept = dict(_np.load(f"kept{{_n}}.npz"))
    _made[f"w{{_n}}"] = _np.asarray(unpacked(_kept, _shape))
_np.savez("made.npz", **_made)
"""
_THROUGH = """import json, numpy, torch, inside
torch.set_num_threads(1)
torch.manual_seed(1)
with numpy.load("given.npz") as _kept:
    _given = {{_name: torch.tensor(_kept[_name]) for _name in _kept}}
_arrays, _found = inside.layer(FourBit, _given, {rank}, {alpha})
numpy.savez("made.npz", **{{_name: _part.numpy() for _name, _part in _arrays.items()}})
print(json.dumps(_found))"""
_PLAN = """import json
print(json.dumps(dict(needs=[float(needs(dict(_config), _recipe, _rank))
    for _config, _recipe, _rank in {asked}],
    jobs=[job("FOLDER", dict(_config), _room) for _config, _room in {jobs}])))"""
