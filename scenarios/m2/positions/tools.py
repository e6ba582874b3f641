"""The lab's sandbox, and its tools: turns, nets and plans made inside, and tried outside."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from . import tables, talks, turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

NETS = Path(__file__).with_name("nets.py")
"""Python for the sandbox and for the judge: nets, and lines to learn from."""
LENGTHS = (32, 64, 128)
"""How long the lines are that a trained net is tried on."""
_SECONDS = 60.0
_SHOWN = 2000
_LARGEST = 16_000_000


sandbox = sandbox_with(
    "numpy", timeout=_SECONDS, threads=1, files={"nets.py": NETS}, needs={"gguf": "train"}
)


@tool(timeout=200)
async def turn(code: str, context: ToolContext) -> str:
    """Take a program first; then give arrays to its functions, and look at what they return.

    The last line of what is returned is for the grader.
    """
    import numpy as np

    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    told: dict[str, Any] = json.loads(code)
    drawn = _DRAWN[told["what"]](told)
    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], drawn.given))
    await opened.write_file("given.npz", file.getvalue())
    await opened.write_file("told.json", json.dumps(drawn.told))
    said = _json(await printed_by(opened, _GLUE[told["what"]]))
    found = drawn.measured(await _arrays(opened, "made.npz"), said)
    shown = ", ".join(f"{n} {v:.2g}" for n, v in found.items() if isinstance(v, float))
    return f"{shown}\n{json.dumps(found)}"


@tool(timeout=300)
async def far(code: str, context: ToolContext) -> str:
    """Take a program with `train` first; then have a net trained, and try it on fresh lines.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    seed = int(json.loads(code)["seed"])
    said = await printed_by(opened, _TRAIN.format(seed=seed))
    found = tried(_json(said), await _arrays(opened, "net.npz"), seed)
    lines = [display_safe(line) for line in said.splitlines()[:-1]]
    lines += [f"lines of {n}: {found[str(n)]:.0%} right" for n in LENGTHS]
    return "\n".join(lines)[-_SHOWN:] + "\n" + json.dumps(found)


def tried(made: Mapping[str, Any], weights: Mapping[str, NDArray[Any]], seed: int) -> Any:
    """The share of places that a net is right about, by the length of lines.

    Args:
        made: how it was made, as the program says.
        weights: what it learnt, as the program left it.

    Raises:
        ToolError: that is no net.
    """
    import numpy as np

    from . import nets

    try:
        how = {name: int(made[name]) for name in ("layers", "heads")}
        if not (1 <= how["layers"] <= 4 and how["heads"] in (1, 2, 4)):
            raise ToolError("a net has 1 to 4 layers, with 1, 2 or 4 heads")
        kind, base = str(made["kind"]), float(made["base"])
        net = nets.Net(
            kind,
            base=base,
            causal=bool(made["causal"]),
            layers=how["layers"],
            heads=how["heads"],
        )
        shapes = {name: part.shape for name, part in net.w.items()}
        net.w = {name: np.asarray(weights[name], dtype=float) for name in shapes}
    except (KeyError, ValueError, TypeError) as error:
        raise ToolError(f"what it returned is no Net: {str(error).splitlines()[0]}") from error
    if {name: part.shape for name, part in net.w.items()} != shapes:
        raise ToolError("the weights have other shapes than those of a Net of width 32")
    if not (base > 0 and all(np.isfinite(part).all() for part in net.w.values())):
        raise ToolError("there are numbers in it that are none (nan or inf)")
    return {str(n): round(nets.share_right(net, n, seed + n), 3) for n in LENGTHS}


@tool(timeout=300)
async def forget(code: str, context: ToolContext) -> str:
    """Take a program with `room` first; then let a model forget by it, and ask what it knows.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    told: dict[str, Any] = json.loads(code)
    spoken = [talks.Talk(**one) for one in told["talks"]]
    asked = [(talks.COUNT, talk.read().told, told["size"]) for talk in spoken]
    said = _json(
        await printed_by(opened, _ROOM.format(tries=[*asked, *map(tuple, told["others"])]))
    )
    plans = cast(list[Any], said.get("plans"))
    for plan, (count, begun, size) in zip(plans, [*asked, *told["others"]], strict=True):
        if (why := talks.unfit(plan, count, size)) is not None:
            found = {"why": f"room({count}, {begun}, {size}): {why}"}
            return f"{found['why']}\n{json.dumps(found)}"
    context.emit(f"reading {len(spoken)} conversations of {talks.COUNT} tokens\n")
    heard = [talk.tried(plan) for talk, plan in zip(spoken, plans, strict=False)]
    lines = [
        f"{talk.name}, {talk.colour}: it says {one['name']}, {one['colour']}; going on costs "
        f"{one['nats']:.2f} nats a token, {one['whole']:.2f} with nothing forgotten"
        for talk, one in zip(spoken, heard, strict=True)
    ]
    return "\n".join(lines) + "\n" + json.dumps({"heard": heard})


async def _began(opened: Sandbox, code: str) -> str:
    """Run the program itself."""
    _programs[opened] = True
    return display_safe((await printed_by(opened, code))[:_SHOWN]).rstrip() or "ready"


def _json(said: str) -> dict[str, Any]:
    try:
        found: object = json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], found)


async def _arrays(opened: Sandbox, name: str) -> dict[str, NDArray[Any]]:
    """Arrays in a file that the program could have written as it liked.

    Raises:
        ToolError: they are none.
    """
    import numpy as np

    try:
        data = await opened.read_file(name, limit=_LARGEST)
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {key: np.asarray(file[key], dtype=float) for key in file.files}
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        raise ToolError(f"what it returned can't be read: {type(error).__name__}") from error


_TRAIN = """import json, numpy
_net = train(numpy.random.default_rng({seed}))
numpy.savez('net.npz', **_net.w)
print(json.dumps(dict(kind=_net.kind, base=_net.base, causal=_net.causal, layers=_net.layers,
    heads=_net.heads)))"""
_ROOM = """import json
_plans = [[[int(_n) for _n in _move] for _move in room(*_one)] for _one in {tries}]
print(json.dumps(dict(plans=_plans)))"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
_DRAWN = {**turns.DRAWN, "tables": tables.drawn}
_GLUE = {**turns.GLUE, "tables": tables.GLUE}
