"""The lab's tool: sounds and bands go into a sandbox, and what comes out is heard outside.

Which sentence was said is known outside of the sandbox only, and so is what the recogniser hears.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from . import ear, listening, talking, voice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_SECONDS = 120.0
_SHOWN = 2000
_LARGEST = 40_000_000

sandbox = sandbox_with(
    "numpy",
    files={"ears.py": Path(__file__).with_name("ears.txt")},
    timeout=_SECONDS,
    threads=1,
    needs={
        voice.PACKAGE: "media",
        ear.PACKAGE: "media",
        "ctranslate2": "media",
        "onnxruntime": "knowledge",
    },
)


@tool(timeout=900)
async def listen(code: str, context: ToolContext) -> str:
    """Take a program first; then try what it makes of sounds.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        printed = await printed_by(opened, code)
        return display_safe(printed[:_SHOWN]).rstrip() or "ready"
    told: dict[str, Any] = json.loads(code)

    task = told["task"]
    if task == "talk":
        shown, found = await talking.talk(partial(_told, opened), told["seed"], context)
    else:
        arrays = partial(_arrays, opened)
        shown, found = await _TASKS[task](arrays, told["seed"], context)
    return f"{display_safe(shown)}\n{json.dumps(found)}"


async def _arrays(opened: Sandbox, given: Mapping[str, Array], glue: str) -> Mapping[str, Array]:
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
            return {key: np.asarray(made[key], dtype=float) for key in given}
    except WorkspaceError as error:
        raise ToolError(f"what came out of it can't be read: {error}") from error
    except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
        why = f"what came out of it can't be read: {type(error).__name__}"
        raise ToolError(why) from error


async def _told(opened: Sandbox, given: Mapping[str, Any], glue: str) -> Mapping[str, Any]:
    """The same for what JSON can say."""
    await opened.write_file("given.json", json.dumps(given))
    await printed_by(opened, f"{_READ}{glue}{_WRITE}")
    try:
        made: object = json.loads(await opened.read_file("made.json", limit=_LARGEST))
    except (ValueError, RecursionError, WorkspaceError) as error:
        raise ToolError("what came out of it can't be read") from error
    if not isinstance(made, dict):
        raise ToolError("what came out of it can't be read")
    return cast(dict[str, Any], made)


_TASKS: dict[str, listening.Task] = {
    "resample": listening.resample,
    "mel": listening.mel,
    "wave": listening.wave,
    "clean": listening.clean,
}
_BEGIN = """import numpy
with numpy.load('given.npz') as _file:
    _given = {_name: _file[_name] for _name in _file.files}
_made = {}
"""
_END = """
numpy.savez('made.npz', **_made)"""
_READ = """import json
with open("given.json") as _file:
    _given = json.load(_file)
"""
_WRITE = """
with open("made.json", "w") as _file:
    json.dump(_made, _file)"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
