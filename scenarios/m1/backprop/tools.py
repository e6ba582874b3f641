"""The lab's sandbox, with the engine in it; and the model that is taught with it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from .model import Asked, asked, word

ENGINE = Path(__file__).with_name("engine.txt")
"""Python for the sandbox: what the lab builds, in one piece."""
_SECONDS = 20.0
_SHOWN = 2000
_NAMES = 8
_LARGEST = 1_000_000


sandbox = sandbox_with("numpy", timeout=_SECONDS, threads=1, files={"engine.py": ENGINE})


@tool(timeout=300)
async def teach(code: str, context: ToolContext) -> str:
    """Take a program with `train` first; then let it lean the model, and ask the model again.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return await _run(opened, code) or "ready"
    context.emit("asking the model about 80 names\n")
    known, fresh = await asked(json.loads(code)["seed"])
    lean = await _leant(opened, known)
    before = (fresh.scores.argmax(axis=1) == fresh.right).mean()
    chosen = (fresh.scores + lean).argmax(axis=1)
    after = (chosen == fresh.right).mean()
    lines = [
        f"{name}: {word(int(token))!r}"
        for name, token in zip(fresh.names[:_NAMES], chosen.tolist(), strict=False)
    ]
    found = {"before": round(float(before), 3), "right": round(float(after), 3)}
    lines.append(f"{before:.0%} of {len(fresh.names)} right without, {after:.0%} with it")
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


async def _leant(opened: Sandbox, known: Asked) -> Any:
    """What the program adds to the scores, one number a token of the vocabulary."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, scores=known.scores, right=known.right)
    await opened.write_file("given.npz", file.getvalue())
    await _run(opened, _TRAIN)
    try:
        data = await opened.read_file("lean.f32", limit=_LARGEST)
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error
    size = known.scores.shape[1]
    lean = np.frombuffer(data, np.float32)
    if lean.shape != (size,):
        raise ToolError(f"train must return {size:,} numbers, one a token; it returned {lean.size}")
    if not np.isfinite(lean).all():
        raise ToolError("there are numbers in it that are none (nan or inf)")
    return lean


async def _run(opened: Sandbox, code: str) -> str:
    printed = await printed_by(opened, code)
    return display_safe(printed[:_SHOWN])


_TRAIN = """import numpy
_given = dict(numpy.load('given.npz'))
numpy.ascontiguousarray(train(_given['scores'], _given['right']), dtype=numpy.float32).tofile(
    'lean.f32')"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
