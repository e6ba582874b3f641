"""Where a learner's program runs, and what it finds there."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.film.moves import MOTIONS

from . import clips, films

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_HERE = Path(__file__).parent
_LIMITS = SandboxLimits(timeout=300, threads=1)
"""Seconds by the clock, which runs on while others have the processor."""
_SHOWN, _LARGEST = 2000, 16_000_000


@dataclass
class Desk:
    """A learner's program in its sandbox."""

    opened: Sandbox
    begun: bool = False

    async def begin(self, code: str) -> str:
        """Put there what programs import, and run the program."""
        self.begun = True
        for name, data in _lent().items():
            await self.opened.write_file(name, data)
        return display_safe((await printed_by(self.opened, code))[:_SHOWN]).rstrip() or "ready"

    async def run(self, code: str, given: Mapping[str, Any]) -> str:
        """Run our code on the learner's function; what it printed last, as JSON."""
        await self.opened.write_file("given.npz", packed(given))
        return (await printed_by(self.opened, code)).strip().rpartition("\n")[2]

    async def told(self, code: str, given: Mapping[str, Any], count: int) -> list[Any]:
        """The same, where as many things are to be said.

        Raises:
            ToolError: it can't be read.
        """
        try:
            said: object = json.loads(await self.run(code, given))
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, list) or len(cast(list[Any], said)) != count:
            raise ToolError("what came out of it can't be read")
        return cast(list[Any], said)

    async def array(self, name: str) -> Array:
        """An array that our code left in a file.

        Raises:
            ToolError: there is none.
        """
        import numpy as np

        try:
            data = await self.opened.read_file(name, limit=_LARGEST)
            return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), dtype=float)
        except (WorkspaceError, ValueError, EOFError, OSError) as error:
            raise ToolError("what came out of it can't be read") from error


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy.

    Raises:
        MissingExtra: what clips are drawn with is not installed.
    """
    require({"numpy": "tools", "PIL": "tools"})
    async with Sandbox.open(packages=("numpy",), limits=_LIMITS, spare=False) as opened:
        yield Equipment(deps=Desk(opened), labels=equipped(opened).labels)


def packed(given: Mapping[str, Any]) -> bytes:
    """Arrays as an .npz file."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    return file.getvalue()


def _lent() -> dict[str, bytes]:
    """What programs import, by its name there."""
    sources = {"look": "film.look", "judge": "digits.judge", "layers": "film.net"}
    made: dict[str, bytes] = {"meant.npz": packed({one: clips.meant(one) for one in MOTIONS})}
    for name, module in sources.items():
        found = importlib.import_module(f"agentlab_tools.{module}").__file__
        made[f"{name}.py"] = Path(str(found)).read_bytes()
        if name == "judge":
            made["judge.npz"] = Path(str(found)).with_suffix(".npz").read_bytes()
    made |= {f"{name}.py": (_HERE / f"{name}.txt").read_bytes() for name in ("eyes", "net")}
    return made | {"film.npz": films.WEIGHTS.read_bytes()}
