"""The lab's sandbox, with networks in it; and the tool that has one trained and tries it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from .nets import share_right

if TYPE_CHECKING:
    from numpy.typing import NDArray

NETS = Path(__file__).with_name("recurrent.txt")
"""Python for the sandbox: networks, their slopes, and lines to learn from."""
LENGTHS = (7, 100, 303)
"""How long the lines are that a trained network is tried on."""
MOST = 2000
"""How many numbers a network may consist of."""
_SECONDS = 60.0
_SHOWN = 2000
_LARGEST = 1_000_000
_PARTS = ("x", "h", "b", "out", "lean")
_SYMBOLS, _KINDS = 8, 4


sandbox = sandbox_with("numpy", timeout=_SECONDS, threads=1, files={"recurrent.py": NETS})


@tool(timeout=300)
async def remember(code: str, context: ToolContext) -> str:
    """Take a program with `train` first; then have a network trained, and try it on fresh lines.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        return await _run(opened, code) or "ready"
    seed = int(json.loads(code)["seed"])
    said = await _run(opened, _TRAIN.format(seed=seed))
    weights = _weights(await _file(opened))
    count = sum(part.size for part in weights.values())
    if count > MOST:
        raise ToolError(f"it has {count:,} numbers, more than {MOST:,}")
    found = {str(n): round(share_right(weights, n, seed + n), 3) for n in LENGTHS}
    lines = [said] if said else []
    lines += [f"lines of {n}: {found[str(n)]:.0%} right" for n in LENGTHS]
    return "\n".join(lines) + "\n" + json.dumps(found)


async def _file(opened: Sandbox) -> bytes:
    try:
        return await opened.read_file("net.npz", limit=_LARGEST)
    except WorkspaceError as error:
        raise ToolError(f"what it returned can't be read: {error}") from error


def _weights(data: bytes) -> dict[str, NDArray[Any]]:
    """The weights in a file that the program could have written as it liked.

    Raises:
        ToolError: they are not those of a network with a state.
    """
    import numpy as np

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: np.asarray(file[name], dtype=float) for name in _PARTS}
    except (ValueError, KeyError, OSError, TypeError, EOFError) as error:
        raise ToolError(f"the weights can't be read: {str(error).splitlines()[0]}") from error
    size = len(found["h"]) if found["h"].ndim == 2 else 0
    wide = found["h"].shape[-1] if found["h"].ndim else 0
    wanted = {
        "x": (_SYMBOLS, wide),
        "h": (size, wide),
        "b": (wide,),
        "out": (size, _KINDS),
        "lean": (_KINDS,),
    }
    shapes = {name: part.shape for name, part in found.items()}
    if size == 0 or wide not in (size, 4 * size) or shapes != wanted:
        raise ToolError("the weights have other shapes than those of a Net")
    if not all(np.isfinite(part).all() for part in found.values()):
        raise ToolError("there are weights that are no numbers (nan or inf)")
    return found


async def _run(opened: Sandbox, code: str) -> str:
    printed = await printed_by(opened, code)
    return display_safe(printed[:_SHOWN]).rstrip()


_TRAIN = """import numpy
_net = train(numpy.random.default_rng({seed}))
numpy.savez('net.npz', **{{_name: _net.w[_name] for _name in ('x', 'h', 'b', 'out', 'lean')}})"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
