"""The lab's sandbox, and its tool: parts, vectors and choices come from inside, and are tried here.

The language model, the names of the pictures and what is right are outside of the sandbox only.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from . import looking, posting
from .mind import mind
from .seen import read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SPACE = Path(__file__).with_name("space.py")
"""For the sandbox, too."""
_SECONDS = 120.0
_SHOWN = 2000
_LARGEST = 16_000_000

_opened = sandbox_with(
    "numpy",
    "pillow",
    timeout=_SECONDS,
    threads=1,
    files={"space.py": SPACE},
    needs={"gguf": "train", "PIL": "tools"},
)


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy, Pillow and `space.py`; both models are ready outside.

    Raises:
        MissingExtra, ModelNotFound: something is not installed. Half-way through, it would look
            like a learner's mistake.
    """
    async with _opened() as equipment:
        await asyncio.to_thread(mind)
        await asyncio.to_thread(read, ["ready"])
        yield equipment


@tool(timeout=600)
async def look(code: str, context: ToolContext) -> str:
    """Take a program first; then have its functions send, see and choose.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        printed = await printed_by(opened, code)
        return display_safe(printed[:_SHOWN]).rstrip() or "ready"
    told: dict[str, Any] = json.loads(code)

    async def run(given: Mapping[str, Any], glue: str) -> Mapping[str, Any]:
        return await _run(opened, given, glue)

    shown, found = await _TASKS[told["task"]](run, told["seed"], context)
    return f"{display_safe(shown)}\n{json.dumps(found)}"


async def _run(opened: Sandbox, given: Mapping[str, Any], glue: str) -> Mapping[str, Any]:
    """Give arrays and plain values to the learner's functions, and read what they leave.

    Raises:
        ToolError: it failed, or left nothing that can be read.
    """
    import numpy as np

    arrays: dict[str, Any] = {
        name: one for name, one in given.items() if isinstance(one, np.ndarray)
    }
    plain = {name: one for name, one in given.items() if name not in arrays}
    file = io.BytesIO()
    np.savez(file, **arrays)
    await opened.write_file("given.npz", file.getvalue())
    await opened.write_file("given.json", json.dumps(plain))
    await printed_by(opened, f"{_BEGIN}{glue}{_END}")
    try:
        data = await opened.read_file("made.npz", limit=_LARGEST)
        left: object = json.loads(await opened.read_file("made.json", limit=_LARGEST))
        with np.load(io.BytesIO(data), allow_pickle=False) as made:
            found: dict[str, Any] = {key: made[key] for key in made.files}
    except WorkspaceError as error:
        raise ToolError(f"what came out of it can't be read: {error}") from error
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        why = f"what came out of it can't be read: {type(error).__name__}"
        raise ToolError(why) from error
    return {**found, **(cast(dict[str, Any], left) if isinstance(left, dict) else {})}


_Task: TypeAlias = Callable[
    [looking.Run, int, ToolContext], Awaitable[tuple[str, Mapping[str, Any]]]
]
_TASKS: Mapping[str, _Task] = {
    "wire": posting.posted,
    "soft": looking.learnt,
    "ask": looking.asked,
    "agent": looking.told_by_an_agent,
}
_BEGIN = """import base64 as _base64, json as _json, numpy as _numpy
with _numpy.load('given.npz') as _file:
    _given = {_name: _file[_name] for _name in _file.files}
with open('given.json', encoding='utf-8') as _file:
    _given.update(_json.load(_file))
_made, _left = {}, {}
"""
_END = """
_numpy.savez('made.npz', **_made)
with open('made.json', 'w', encoding='utf-8') as _file:
    _json.dump(_left, _file)"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
