"""The lab's tools: the learner's functions on real weights, in a sandbox, measured outside."""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped

from .judging import SECONDS
from .tasks import TASKS
from .weights import factors, files, write_adapter

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Pair = tuple[NDArray[float32], NDArray[float32]]

_SECONDS = 90.0
"""By the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 32 * 1024 * 1024
CALLS = Path(__file__).with_name("calls.json")
"""Conversations in which a tool is called, as tokens, and which of those are the calls."""
_MADE = """\
_made = {call}
_made = _made if isinstance(_made, tuple) else (_made,)
_made = [np.ascontiguousarray(np.asarray(part, dtype=np.float32)) for part in _made]
for _number, _part in enumerate(_made):
    _part.tofile(f"made{{_number}}")
print(json.dumps({{"shapes": [list(part.shape) for part in _made],
    "changed": [name for name in _kept if not np.array_equal(_kept[name], _given[name])]}}))
"""
_LOADED = """\
import json, numpy as np
_given = dict(np.load("given.npz"))
_kept = {name: array.copy() for name, array in _given.items()}
"""
_LIGHTENED = """\
import json, time, numpy as np
_given, _made, _shapes, _began = dict(np.load("factors.npz")), [], {{}}, time.thread_time()
for _name in json.load(open("names.json")):
    if time.thread_time() - _began > {seconds}:
        break
    _b, _a = lighten(_given[_name + ".b"], _given[_name + ".a"])
    _b, _a = (np.ascontiguousarray(np.asarray(part, dtype=np.float32)) for part in (_b, _a))
    _shapes[_name] = [list(_b.shape), list(_a.shape)]
    _made += [_b.ravel(), _a.ravel()]
np.concatenate(_made).tofile("made0")
print(json.dumps({{"shapes": _shapes, "seconds": round(time.thread_time() - _began, 1)}}))
"""
"""Goes on to the end, or until it has taken longer than it may."""


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy; its strength stands in the trace.

    Raises:
        MissingExtra: what reads the model's file is not installed.
    """
    factors()
    limits = SandboxLimits(timeout=_SECONDS)
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        yield equipped(opened)


@tool(timeout=200)
async def run_on_weights(code: str, context: ToolContext) -> str:
    """Take a program first; then try a function of it on the model's weights, and measure.

    The last line of what is returned is for the grader.
    """
    import numpy as np

    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    told: dict[str, Any] = json.loads(code)
    task = TASKS[told["task"]]
    file = io.BytesIO()
    given = task.given(told)
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())
    arguments = ", ".join(name for name in given)
    glue = f"{_LOADED}{arguments} = ({', '.join(f'_given[{name!r}]' for name in given)})\n"
    said = await _run(opened, glue + _MADE.format(call=task.call))
    shapes = cast(list[list[int]], said["shapes"])
    made = [await _array(opened, f"made{n}", shape) for n, shape in enumerate(shapes)]
    found = task.measured(told, made)
    if said["changed"]:
        found["changed"] = said["changed"]
    if any(not np.isfinite(part).all() for part in made):
        found = {"why": "there are numbers in it that are none (nan or inf)"}
    shown = ", ".join(f"{name} {_brief(value)}" for name, value in found.items())
    return f"{task.call}: {shown}\n{json.dumps(found)}"


@tool(timeout=240)
async def run_on_adapter(code: str, context: ToolContext) -> str:
    """Take a program first; then let it lighten the adapter, and see if the model still calls.

    The last line of what is returned is for the grader.
    """
    import numpy as np

    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _began(opened, code)
    file = io.BytesIO()
    parts = {
        f"{name}.{half}": numbers
        for name, pair in factors().items()
        for half, numbers in zip("ba", pair, strict=True)
    }
    np.savez(file, **cast(dict[str, Any], parts))
    await opened.write_file("factors.npz", file.getvalue())
    await opened.write_file("names.json", json.dumps(list(factors())))
    context.emit("lightening 210 weights\n")
    said = await _run(opened, _LIGHTENED.format(seconds=SECONDS))
    took = float(said["seconds"])
    if len(said["shapes"]) < len(factors()):
        done = f"{len(said['shapes'])} of {len(factors())} weights"
        return f"stopped after {took} s: {done}\n{json.dumps({'seconds': took, 'done': done})}"
    made = await _lightened(opened, cast(dict[str, list[list[int]]], said["shapes"]))
    numbers = sum(b.size + a.size for b, a in made.values())
    context.emit(f"{numbers:,} numbers; reading calls with llama.cpp\n")
    found = {
        "numbers": numbers,
        "seconds": took,
        "surprise": round(_surprise(made), 4),
    }
    shown = (
        f"{numbers:,} numbers, found in {found['seconds']} s of processor time; "
        f"{found['surprise']} nats a token of a call"
    )
    return f"{shown}\n{json.dumps(found)}"


async def _began(opened: Sandbox, code: str) -> str:
    """Run the program itself."""
    _programs[opened] = True
    printed = await printed_by(opened, code)
    return display_safe(printed[:_SHOWN]) or "ready"


async def _run(opened: Sandbox, glue: str) -> dict[str, Any]:
    """Run our code on the learner's functions, and read the line it ends with."""
    printed = await printed_by(opened, glue)
    try:
        said = json.loads(printed.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise ToolError("what came out of it can't be read") from None
    return cast(dict[str, Any], said)


async def _array(opened: Sandbox, name: str, shape: list[int]) -> NDArray[float32]:
    """What was left in a file, whose size must fit the shape it is said to have."""
    import numpy as np

    try:
        data = await opened.read_file(name, limit=_LARGEST)
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    if math.prod(shape) * 4 != len(data):
        raise ToolError("what it returned is not whole")
    return np.frombuffer(data, np.float32).reshape(shape)


async def _lightened(opened: Sandbox, shapes: Mapping[str, list[list[int]]]) -> dict[str, Pair]:
    """The factors that the program left, every one fit for its weight."""
    flat = await _array(
        opened, "made0", [sum(math.prod(shape) for pair in shapes.values() for shape in pair)]
    )
    made: dict[str, Pair] = {}
    place = 0
    for name, (b, a) in factors().items():
        parts: list[NDArray[float32]] = []
        for shape in shapes[name]:
            size = math.prod(shape)
            parts.append(flat[place : place + size].reshape(shape))
            place += size
        left, right = parts
        rank = left.shape[-1] if left.ndim else 0
        if rank < 1 or left.shape != (len(b), rank) or right.shape != (rank, a.shape[1]):
            raise ToolError(
                f"for a B of {b.shape} and an A of {a.shape} it returned {left.shape} and "
                f"{right.shape}: the product must have the same shape, and a rank of 1 at least"
            )
        made[name] = (left, right)
    return made


def _surprise(made: dict[str, Pair]) -> float:
    """What the tokens of a call cost the model that they are put on, in nats a token."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adapter.gguf"
        write_adapter(path, made)
        return surprise_of(path)


def surprise_of(adapter: Path | None) -> float:
    """The mean of -log p over the tokens of calls that nobody trained on, read by llama.cpp."""
    from agentlab_tools.train.bridge.score import Scorer

    model, _ = files()
    nats = judged = 0.0
    with Scorer(model, adapter=adapter, size=512) as scorer:
        for ids, labels in _calls():
            lost, count = scorer.loss(ids, labels)
            nats, judged = nats + lost, judged + count
    return nats / judged


@cache
def _calls() -> list[tuple[list[int], list[int]]]:
    return json.loads(CALLS.read_text(encoding="utf-8"))


def _brief(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
