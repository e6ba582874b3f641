"""The lab's sandbox, with PyTorch in it; and the packaged model, parts of which are built there.

Which digits are right is known outside of the sandbox only.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.digits import drawn
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH

from .cases import FRESH, KNOWN

if TYPE_CHECKING:
    from agentlab_tools.digits import Array

INSIDE = Path(__file__).with_name("inside.py")
"""Read as text: it runs in the sandbox."""
EPSILON = 1e-5
_SECONDS = 60.0
_SHOWN = 2000
_LARGEST = 4_000_000


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with PyTorch, on one thread; its strength stands in the trace.

    Raises:
        MissingExtra: torch or gguf is not installed.
    """
    require({"torch": "train", "gguf": "train"})
    limits = SandboxLimits(timeout=_SECONDS)
    async with Sandbox.open(packages=("torch", "numpy"), limits=limits, spare=False) as opened:
        await printed_by(opened, QUICK_TORCH)
        yield equipped(opened)


@tool(timeout=600)
async def try_net(code: str, context: ToolContext) -> str:
    """Take a program first; then put its net, its training or its layer to work, and look.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    await opened.write_file("inside.py", INSIDE.read_text(encoding="utf-8"))
    if told["task"] == "layer":
        context.emit("the model reads the prompt\n")
        return await _spoken(opened, told)
    x, y, fresh, digits = drawn(told["seed"], KNOWN, FRESH, "float32")
    given = {"x": x, "y": y, "fresh": fresh}
    await _give(opened, given)
    names = {"module": "Net", "loop": "fit, predict"}[told["task"]]
    said = await printed_by(opened, _DIGITS.format(names=names, **told))
    found = _json(said)
    guesses = found.pop("guesses", None)
    right = guessed(guesses, digits)
    found["right"] = right
    return f"{right:.1%} of 1,000 fresh digits are right\n{json.dumps(found)}"


def guessed(guesses: object, digits: Array) -> float:
    """The share that is right.

    Raises:
        ToolError: they are not a digit for each picture.
    """
    found = cast(list[object], guesses) if isinstance(guesses, list) else []
    if len(found) != len(digits) or not all(type(one) is int for one in found):
        raise ToolError(f"there must be one digit for each of the {len(digits):,} pictures")
    return sum(one == right for one, right in zip(found, digits.tolist(), strict=True)) / len(found)


async def _spoken(opened: Sandbox, told: Mapping[str, Any]) -> str:
    """The model's next token, with some halves of its layers computed in the sandbox."""
    import numpy as np

    from .model import FEED_FORWARD, packaged, read, word

    model, ids = packaged(), read(told["prompt"])
    x, off, at = model.embedded(ids), list[float](), 0
    for layer in told["layers"]:
        x = model.attended(layer, model.between(x, at, layer))
        weights = {f"{name}.weight": model.of(layer, name) for name in FEED_FORWARD}
        made = await _made(opened, {"x": x, **weights})
        wanted = model.fed_forward(layer, x)
        if made.shape != wanted.shape:
            raise ToolError(f"of {wanted.shape[0]} rows of {wanted.shape[1]} it made {made.shape}")
        off.append(float(np.abs(made - wanted).max() / np.abs(wanted - x).max()))
        x, at = made, layer + 1
    if not np.isfinite(x).all():
        raise ToolError("there are numbers in it that are none (nan or inf)")
    said = word(int(model.scored(model.between(x, at, model.layers)).argmax()))
    found = {"off": off, "layers": told["layers"]}
    return display_safe(f"{told['prompt']}{said}") + f"\n{json.dumps(found)}"


async def _made(opened: Sandbox, given: Mapping[str, Array]) -> Array:
    """What the learner's half makes of what comes to it."""
    import numpy as np

    await _give(opened, given)
    rows = len(given["x"])
    await printed_by(opened, _LAYER.format(epsilon=EPSILON))
    try:
        data = await opened.read_file("made.f32", limit=_LARGEST)
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    made = np.frombuffer(data, np.float32)
    return made.reshape(rows, -1) if made.size % rows == 0 else made


async def _give(opened: Sandbox, given: Mapping[str, Array]) -> None:
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())


def _json(said: str) -> dict[str, Any]:
    try:
        found: object = json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], found)


_GIVEN = """import json, numpy, torch, inside
with numpy.load('given.npz') as _kept:
    _given = {{name: torch.tensor(_kept[name]) for name in _kept}}
"""
_DIGITS = f"""{_GIVEN}torch.manual_seed({{seed}})
_made = inside.{{task}}({{names}}, given=_given)
print(json.dumps(_made))"""
_LAYER = f"""{_GIVEN}_made = inside.layer(FeedForward, _given, {{epsilon}})
_made.detach().to(torch.float32).contiguous().numpy().tofile('made.f32')"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
