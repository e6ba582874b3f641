"""The lab's sandbox, with Keras on PyTorch in it; and the tool that puts what was written to work.

Which digits are right is known outside of the sandbox only.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.digits import drawn
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require

from .agent import asked
from .cases import FRESH, KNOWN
from .judging import unheld, unkept

if TYPE_CHECKING:
    from agentlab_tools.digits import Array

INSIDE = Path(__file__).with_name("inside.py")
"""Read as text: it runs in the sandbox."""
ROUNDS = (8, 10, 12)
_NEEDS = {"keras": "course", "torch": "train"}
_SECONDS = 60.0
_SHOWN = 2000


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with Keras on PyTorch, on one thread; its strength stands in the trace.

    Raises:
        MissingExtra: keras or torch is not installed.
    """
    require(_NEEDS)
    limits = SandboxLimits(timeout=_SECONDS)
    packages = ("torch", "numpy", "keras")
    async with Sandbox.open(packages=packages, limits=limits, spare=False) as opened:
        await printed_by(opened, FIRST)
        yield equipped(opened)


@tool(timeout=240)
async def try_keras(code: str, context: ToolContext) -> str:
    """Take a program first; then put its layer, its callback or its training to work, and look.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        await opened.write_file("program.py", code.encode())
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    await opened.write_file("inside.py", INSIDE.read_text(encoding="utf-8"))
    x, y, fresh, digits = drawn(told["seed"], KNOWN, FRESH, "float32")
    await _give(opened, {"x": x, "y": y, "fresh": fresh})
    await printed_by(opened, _GIVEN.format(**told))
    match told["task"]:
        case "layer":
            found = await _found(opened, "inside.layer(Standard, _again, _given)")
            if "guesses" in found:
                found["right"] = guessed(found.pop("guesses"), digits)
            shown = f"loaded again, {found.get('right', 0):.1%} of 1,000 fresh digits are right"
        case "watch":
            found = await _found(opened, "inside.watch(Dead, _given)")
            shown = "\n".join(
                f"dead: {_shares(there)}\n  it says {_shares(seen)}"
                for there, seen in zip(found["there"], found["seen"], strict=True)
            )
        case _:
            found = await _found(opened, "inside.stop(train)")
            shown = _scripted(found)
            if unheld(found, None) is None and unkept(found, None) is None:
                context.emit("asking the agent\n")
                found |= await _told(opened, told["seed"], digits)
                shown += f"\n{found['agent']}\n{found['right']:.1%} of 1,000 fresh digits are right"
    return f"{display_safe(shown)}\n{json.dumps(found)}"


def _shares(shares: list[float]) -> str:
    return " ".join(f"{share:.1%}" for share in shares[:12])


def _scripted(found: dict[str, Any]) -> str:
    return (
        f"scripted net: {found['held']} rows held back, {found['digits']} of ten digits among "
        f"them; {found['rounds']:.0f} rounds, weights of round {found['kept']:.0f}"
    )


async def _told(opened: Sandbox, seed: int, digits: Array) -> dict[str, Any]:
    """What an agent says of a net that it has trained; and what is right."""
    made: dict[int, dict[str, Any]] = {}

    async def train(rounds: int) -> float:
        rounds = max(1, min(rounds, ROUNDS[-1]))
        if rounds not in made:  # it asks again, to be sure
            made[rounds] = await _found(opened, f"inside.reads(train, _given, {rounds})")
        return float(made[rounds]["said"])

    rounds = Random(seed).choice(ROUNDS)  # noqa: S311 - the seed is the point
    said, number, calls = await asked(train, rounds)
    if not calls:
        raise ToolError(f"the agent trained nothing, and says {said[:200]!r}")
    right = guessed(list(made.values())[-1]["guesses"], digits)
    return {"agent": said, "number": number, "calls": calls, "right": right}


def guessed(guesses: object, digits: Array) -> float:
    """The share that is right.

    Raises:
        ToolError: they are not a digit for each picture.
    """
    found = cast(list[object], guesses) if isinstance(guesses, list) else []
    if len(found) != len(digits) or not all(type(one) is int for one in found):
        raise ToolError(f"there must be one digit for each of the {len(digits):,} pictures")
    return sum(one == right for one, right in zip(found, digits.tolist(), strict=True)) / len(found)


async def _give(opened: Sandbox, given: dict[str, Array]) -> None:
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())


async def _found(opened: Sandbox, call: str) -> dict[str, Any]:
    """What some of our code finds of the learner's."""
    said = await printed_by(opened, f"print(json.dumps({call}))")
    try:
        found: object = json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], found)


FIRST = """import os, sys, types
os.environ |= {"KERAS_BACKEND": "torch", "KERAS_HOME": os.path.abspath(".keras")}
# What was imported ahead had no backend yet.
for _name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
    del sys.modules[_name]
import torch
torch.set_num_threads(1)
# Keras imports torch's compiler, which takes longer than all of the training here.
_compiler = types.ModuleType("torch._dynamo")
_compiler.disable = lambda it=None, *_, **__: (lambda made: made) if it is None else it
_compiler.graph_break = lambda *_, **__: None
sys.modules["torch._dynamo"] = torch._dynamo = _compiler
import keras
# Keras first asks for shapes on the device without numbers, for which torch imports SymPy. Where
# that fails, Keras asks with a few numbers.
from keras.src.backend.torch import core as _core
_scope = _core.device_scope
def _real(name):
    if name == "meta":
        raise NotImplementedError
    return _scope(name)
_core.device_scope = _real"""
_GIVEN = """import json, runpy, keras, numpy, inside
with numpy.load('given.npz') as _kept:
    _given = {{name: _kept[name] for name in _kept}}
keras.utils.set_random_seed({seed})
def _again():
    runpy.run_path('program.py')"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
