"""Real kernels in a sandbox, driven from outside it: `async with kernels(sandbox) as kernel`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from agentlab.errors import ToolError
from agentlab_tools.execute import CellResult, Sandbox, WorkspaceError

_PLACE = ".kernel"
_PAUSE = 0.02
_LONGEST = 120.0


@dataclass(frozen=True)
class Ran:
    """What a cell did: all that it put out, and the error that ended it, in one line."""

    text: str
    error: str | None


class Kernels:
    """Fresh kernels, one at a time, each in a folder of the sandbox's workspace."""

    def __init__(
        self, opened: Sandbox, running: asyncio.Task[CellResult], numbers: Iterator[int]
    ) -> None:
        self._opened = opened
        self._running = running
        self._numbers = numbers

    async def start(self, folder: str, files: Mapping[str, str]) -> None:
        """A fresh kernel in this folder, with these files; what else lies there is left.

        Raises:
            ToolError: it does not start.
        """
        for name, text in files.items():
            await self._opened.write_file(f"{folder}/{name}", text)
        await self._told({"kernel": folder})

    async def run(self, cells: Sequence[str]) -> list[Ran]:
        """Run these cells in the kernel, one after another, up to the first that fails.

        Raises:
            ToolError: the kernel and all with it are gone.
        """
        told = await self._told({"run": list(cells)})
        return [Ran(str(one["text"]), one["error"] and str(one["error"])) for one in told]

    async def notebook(self) -> bytes:
        """All that ran in this kernel, cell by cell with its output, as a notebook's file.

        Raises:
            WorkspaceError: nothing ran.
        """
        return await self._opened.read_file(f"{_PLACE}/executed.ipynb")

    async def _told(self, ask: dict[str, Any]) -> list[dict[str, Any]]:
        number = next(self._numbers)
        await self._opened.write_file(f"{_PLACE}/ask-{number}.json", json.dumps(ask))
        while True:
            ended = self._running.done()
            try:
                found = await self._opened.read_file(f"{_PLACE}/told-{number}.json")
            except WorkspaceError:
                if ended:
                    raise ToolError(_why(self._running.result())) from None
                await asyncio.sleep(_PAUSE)
                continue
            return json.loads(found)


def _why(result: CellResult) -> str:
    lines = result.stderr.strip().splitlines() or [result.error or "nothing was said"]
    return f"the kernel is gone: {lines[-1][:200]}"


@asynccontextmanager
async def kernels(opened: Sandbox) -> AsyncGenerator[Kernels]:
    """What starts kernels in this sandbox, until the block ends."""
    await opened.run_shell(f"rm -rf {_PLACE}")
    for name in ("runner.py", "launcher.py"):
        await opened.write_file(f"{_PLACE}/{name}", Path(__file__).with_name(name).read_text())
    command = f"python3 {_PLACE}/runner.py"
    running = asyncio.create_task(opened.run_shell(command, timeout=_LONGEST))
    numbers = count(1)
    kernel = Kernels(opened, running, numbers)
    try:
        yield kernel
    finally:
        if not running.done():
            await opened.write_file(f"{_PLACE}/ask-{next(numbers)}.json", '{"end": true}')
        await running
