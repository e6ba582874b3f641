"""The lab's sandbox, and its tool: towers, names, probes and searches from inside, judged outside.

Which picture belongs to which caption, of what kind a thing is, and what a box sees is known
outside of the sandbox only.
"""

from __future__ import annotations

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

from . import blind, looking, searches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

TOWERS = Path(__file__).with_name("towers.py")
"""For the sandbox, too."""
_SECONDS = 60.0
_SHOWN = 2000
_LARGEST = 16_000_000

_opened = sandbox_with("numpy", timeout=_SECONDS, threads=1, files={"towers.py": TOWERS})


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy and the towers; its strength stands in the trace.

    Raises:
        MissingExtra: what reads words and sees pictures is not installed. Half-way through, it
            would look like a learner's mistake.
    """
    looking.embed()
    async with _opened() as equipment:
        yield equipment


@tool(timeout=600)
async def look(code: str, context: ToolContext) -> str:
    """Take a program first; then let it meet pictures and words that are new to it.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        printed = await printed_by(opened, code)
        return display_safe(printed[:_SHOWN]).rstrip() or "ready"
    told: dict[str, Any] = json.loads(code)

    async def run(given: Mapping[str, Array], glue: str) -> Mapping[str, Array]:
        return await _run(opened, given, glue)

    task = cast(dict[str, _Task], _TASKS)[told["task"]]
    draws = [
        await task(run, seed, None if number else context)
        for number, seed in enumerate(told["seeds"])
    ]
    shown = "\n".join(one for one, _ in draws)
    return f"{display_safe(shown)}\n{json.dumps({'draws': [found for _, found in draws]})}"


async def _run(opened: Sandbox, given: Mapping[str, Array], glue: str) -> Mapping[str, Array]:
    """Give arrays to the learner's functions, and read those that they leave.

    Raises:
        ToolError: it failed, or left nothing that can be read.
    """
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())
    await printed_by(opened, f"{_BEGIN}{glue}{_END}")
    try:
        data = await opened.read_file("made.npz", limit=_LARGEST)
        with np.load(io.BytesIO(data), allow_pickle=False) as made:
            return {key: made[key] for key in made.files}
    except WorkspaceError as error:
        raise ToolError(f"what came out of it can't be read: {error}") from error
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        why = f"what came out of it can't be read: {type(error).__name__}"
        raise ToolError(why) from error


Run: TypeAlias = Callable[[Mapping[str, "Array"], str], Awaitable[Mapping[str, "Array"]]]
_Task = Callable[[Run, int, ToolContext | None], Awaitable[tuple[str, Mapping[str, Any]]]]
"""What a task says and found, by a seed. With a context, it shows pictures and asks an agent."""
_TASKS = {
    "train": looking.train,
    "name": looking.name,
    "blind": blind.probe,
    "search": searches.search,
}
_BEGIN = """import json, numpy, random
with numpy.load('given.npz') as _file:
    _given = {_name: _file[_name] for _name in _file.files}
_made = {}
"""
_END = """
numpy.savez('made.npz', **_made)"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
