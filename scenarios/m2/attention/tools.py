"""The lab's tool: a program in the sandbox, and the model outside, which it can have read things.

The program asks by a file and waits for another. So it sees weights of attention and losses, and
neither the model's own weights nor its judge.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped

from . import agent, texts, tries
from .drawing import maps
from .judging import NEEDED, ORDERS, SPARED
from .model import HEADS, LAYERS, VOCABULARY, Head, after, asked, logits_of, read, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

INSIDE = Path(__file__).with_name("inside.txt")
"""Python for the sandbox: how a program there has the model read."""
MOST = 40
"""Readings that a program may ask for."""
LONGEST = 64
_READ = 16
"""Tokens that the model reads with the learner's attention."""
_SECONDS = 300.0
"""By the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 4_000_000
_WAIT = 0.004


@dataclass
class Bench:
    """A sandbox, and how far its program is."""

    opened: Sandbox
    begun: bool = False
    readings: int = 0


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy and `model.py`, and the model, loaded once for all of them.

    Raises:
        MissingExtra, ModelNotFound: what the model is read with, or the model, is not installed.
    """
    await asyncio.to_thread(weights)
    limits = SandboxLimits(timeout=_SECONDS)
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        await opened.write_file("model.py", INSIDE.read_text(encoding="utf-8"))
        shown = await asyncio.to_thread(texts.plain)
        await opened.write_file("plain.json", json.dumps(shown[: texts.SHOWN]))
        yield Equipment(deps=Bench(opened), labels=equipped(opened).labels)


@tool(timeout=600)
async def run_on_model(code: str, context: ToolContext) -> str:
    """Take a program first; then try a function of it on the model.

    The last line of what is returned is for the grader.
    """
    bench: Bench = context.deps
    if not bench.begun:
        bench.begun = True
        return await _run(bench, code) or "ready"
    told: dict[str, Any] = json.loads(code)
    found = await _TASKS[told["task"]](bench, told["seed"], context)
    shown = [f"{name}: {value}" for name, value in found.items() if value is not None]
    return display_safe("\n".join(shown)) + "\n" + json.dumps(found)


async def _attend(bench: Bench, seed: int, context: ToolContext) -> dict[str, Any]:
    given = tries.drawn(seed)
    made, changed = await _attended(bench, given)
    found = {"same": tries.complaint(given, made), "changed": changed}
    if found["same"] is None:
        context.emit("the model reads with your attention, in all 30 layers\n")
        found |= await _whole(bench, seed)
    return found


async def _whole(bench: Bench, seed: int) -> dict[str, Any]:
    """The model reads a text, each layer's attention by the learner's function."""
    import numpy as np

    kept = await asyncio.to_thread(texts.plain)
    ids = kept[seed % len(kept)][:_READ]
    x = weights()["token_embd"][ids]
    for layer in range(LAYERS):
        (made, _), _ = await _attended(bench, [asked(layer, x)])
        if made.shape != (HEADS, len(ids), x.shape[-1] // HEADS):
            return {"model": f"layer {layer}: the shape is {made.shape}"}
        x = await asyncio.to_thread(after, layer, x, made.astype(np.float32))
    logits = logits_of(x)
    theirs = await asyncio.to_thread(texts.llama_cpp, tuple(ids))
    off = float(np.linalg.norm(logits - theirs) / np.linalg.norm(theirs))
    agree = float((logits.argmax(axis=-1) == theirs.argmax(axis=-1)).mean())
    return {"off": round(off, 4), "agree": round(agree, 3)}


async def _attended(bench: Bench, given: list[tuple[Array, Array, Array]]) -> tuple[Any, Any]:
    """What the learner's function returns for each: a flat list, and whether it changed them."""
    import numpy as np

    file = io.BytesIO()
    parts: dict[str, Any] = {
        f"{name}{n}": part
        for n, arrays in enumerate(given)
        for name, part in zip("qkv", arrays, strict=True)
    }
    np.savez(file, **parts)
    await bench.opened.write_file("given.npz", file.getvalue())
    said = await _told(bench, _ATTENDED.format(count=len(given)))
    try:
        data = await bench.opened.read_file("made.npz", limit=_LARGEST)
        with np.load(io.BytesIO(data), allow_pickle=False) as made:
            flat = [np.asarray(made[f"m{n}"], np.float64) for n in range(2 * len(given))]
    except (WorkspaceError, ValueError, KeyError, OSError, TypeError, EOFError) as error:
        raise ToolError(f"what it returned can't be read: {_line(error)}") from error
    return flat, said.get("changed")


async def _look(bench: Bench, seed: int, context: ToolContext) -> dict[str, Any]:
    said = await _told(bench, _LOOKED.format(seed=seed))
    wanted = await asyncio.to_thread(texts.scores, seed)
    found: dict[str, Any] = {}
    for name in ("back", "copy"):
        mine = [_head(one) for one in said[name]]
        among = texts.best(wanted[name], 9)
        found[name] = mine
        found[f"{name}_hits"] = len(set(mine) & set(among))
        found[f"{name}_looks"] = [round(float(wanted[name][head]), 2) for head in mine]
    seen = await asyncio.to_thread(read, texts.line(seed))
    pair = {"looks back": found["back"][0], "copies": found["copy"][0]}
    context.attach("heads.png", await asyncio.to_thread(maps, seen.weights, pair), "image/png")
    return found


async def _dearest(bench: Bench, seed: int, _: ToolContext) -> dict[str, Any]:
    said = await _told(bench, _DEAREST.format(seed=seed))
    head = _head(said["head"])
    again, ordinary = await asyncio.to_thread(texts.cost, seed, (head,))
    return {
        "head": head,
        "said": [round(float(said[name]), 2) for name in ("repeated", "plain")],
        "measured": [round(again, 2), round(ordinary, 2)],
    }


async def _split(bench: Bench, seed: int, context: ToolContext) -> dict[str, Any]:
    said = await _told(bench, _SPLIT.format(seed=seed))
    found: dict[str, Any] = {}
    orders = agent.numbers(seed, ORDERS)
    for name in ("needed", "spare"):
        heads = [_head(one) for one in said[name]]
        found[name] = heads
        if len(set(heads)) != 8:
            return {**found, "why": f"{name} has {len(set(heads))} heads, not eight"}
    if set(found["needed"]) & set(found["spare"]):
        return {**found, "why": "a head stands in both lists"}
    if sorted(at for at, _ in found["needed"]) != sorted(at for at, _ in found["spare"]):
        return {**found, "why": "the spare heads are not from the layers of the needed ones"}
    base = await asyncio.to_thread(texts.ordinary, seed)
    for name in ("needed", "spare"):
        off = tuple(sorted(found[name]))
        lost = await asyncio.to_thread(texts.ordinary, seed, off) - base
        found[f"{name}_plain"] = round(lost, 3)
        if lost > SPARED:
            break  # an agent that reads worse would show nothing
        context.emit(f"the agent is asked about {ORDERS} orders, its eight {name} heads off\n")
        heard = await agent.asked_for(orders, off)
        nats = sum(heard.nats) / len(heard.nats)
        found[f"{name}_nats"] = round(nats, 2)
        found[f"{name}_calls"] = [
            f"order {order}: {call}" for order, call in zip(orders, heard.calls, strict=False)
        ]
        if name == "needed" and nats < NEEDED:
            break  # the control would cost time and mend nothing
    return found


def _head(given: object) -> Head:
    match given:
        case [int(layer), int(head)] if 0 <= layer < LAYERS and 0 <= head < HEADS:
            return layer, head
        case _:
            raise ToolError(f"{str(given)[:40]} is no head: (layer, head), to (29, 8)")


async def _told(bench: Bench, glue: str) -> dict[str, Any]:
    """Run our code on the learner's functions, and read the line it ends with."""
    said = await _run(bench, glue)
    try:
        value: dict[str, Any] = json.loads(said.splitlines()[-1])
        return dict(value)
    except (ValueError, IndexError, TypeError):
        raise ToolError("what came out of it can't be read") from None


async def _run(bench: Bench, code: str) -> str:
    """Run some code to its end, and read for it what it asks for meanwhile."""
    cell = asyncio.ensure_future(printed_by(bench.opened, code))
    try:
        while not cell.done():
            await asyncio.wait((cell,), timeout=_WAIT)
            await _serve(bench)
        return (await cell)[-_SHOWN:].rstrip()
    finally:
        cell.cancel()


async def _serve(bench: Bench) -> None:
    """Answer what the program asks for, if it does."""
    number = bench.readings + 1
    try:
        data = await bench.opened.read_file(f"ask{number}.json", limit=_LARGEST)
    except WorkspaceError:
        return
    bench.readings = number
    file = io.BytesIO()
    await asyncio.to_thread(_answered, data, number, file)
    await bench.opened.write_file(f"answer{number}.npz", file.getvalue())


def _answered(data: bytes, number: int, file: io.BytesIO) -> None:
    import numpy as np

    try:
        if number > MOST:
            raise ToolError(f"more than {MOST} readings")
        told = json.loads(data)
        ids, off = told["ids"], [_head(one) for one in told["off"]]
        if not 2 <= len(ids) <= LONGEST:
            raise ToolError(f"{len(ids)} tokens: a reading takes 2 to {LONGEST}")
        if not all(isinstance(n, int) and 0 <= n < VOCABULARY for n in ids):
            raise ToolError(f"tokens are numbers from 0 to {VOCABULARY - 1:,}")
        seen = read(ids, off)
        np.savez(file, weights=seen.weights.astype(np.float16), losses=seen.losses)
    except (ToolError, ValueError, KeyError, TypeError) as error:
        np.savez(file, error=np.array(_line(error)))


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


_ATTENDED = """\
import json as _json, numpy as _np
_given, _made, _changed = dict(_np.load("given.npz")), {{}}, None
for _n in range({count}):
    _was = [_given[_name + str(_n)] for _name in "qkv"]
    _now = [_part.copy() for _part in _was]
    _pair = attend(*_now)
    if not isinstance(_pair, tuple) or len(_pair) != 2:
        raise TypeError("attend returns two arrays: what is made, and the weights")
    for _m, _part in enumerate(_pair):
        _made["m" + str(2 * _n + _m)] = _np.asarray(_part, dtype=_np.float64)
    for _name, _a, _b in zip("qkv", _was, _now):
        _changed = _changed if _np.array_equal(_a, _b) else "it changed its " + _name
_np.savez("made.npz", **_made)
print(_json.dumps({{"changed": _changed}}))
"""
_LOOKED = """\
import json as _json, numpy as _np
_found, _told = look(_np.random.default_rng({seed})), {{}}
if not isinstance(_found, tuple) or [_np.shape(_one) for _one in _found] != [(30, 9)] * 2:
    raise TypeError("look returns two arrays of (30, 9): who looks back one, and who copies")
for _name, _one in zip(("back", "copy"), _found):
    _order = _np.argsort(-_np.nan_to_num(_np.asarray(_one, dtype=float)), axis=None, kind="stable")
    _told[_name] = [[int(_n) // 9, int(_n) % 9] for _n in _order[:6]]
print(_json.dumps(_told))
"""
_DEAREST = """\
import json as _json, numpy as _np
_head, _repeated, _plain = dearest(_np.random.default_rng({seed}))
print(_json.dumps({{"head": [int(_n) for _n in _head], "repeated": float(_repeated),
    "plain": float(_plain)}}))
"""
_SPLIT = """\
import json as _json, numpy as _np
_needed, _spare = split(_np.random.default_rng({seed}))
print(_json.dumps({{"needed": [[int(_n) for _n in _one] for _one in _needed],
    "spare": [[int(_n) for _n in _one] for _one in _spare]}}))
"""
_Task: TypeAlias = "Callable[[Bench, int, ToolContext], Any]"
_TASKS: Mapping[str, _Task] = {
    "attend": _attend,
    "look": _look,
    "dearest": _dearest,
    "split": _split,
}
