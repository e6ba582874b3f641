"""The lab's tool: a program first, then the whole road with its functions."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.train.made_in_labs import keep

from . import road

_LARGEST, _SHOWN = 4_000_000, 2000


@dataclass
class Desk:
    """Where a learner's program runs."""

    opened: Sandbox
    begun: bool = False

    async def call(self, name: str, given: Any) -> Any:
        """What a function of the program returns; inside, everything is JSON.

        Raises:
            ToolError: it failed, or what it returns can't be read.
        """
        await self.opened.write_file("given.json", json.dumps(given))
        await printed_by(self.opened, _CALLS[name])
        try:
            return json.loads(await self.opened.read_file("made.json", limit=_LARGEST))
        except (ValueError, RecursionError, WorkspaceError):
            raise ToolError(f"what {name} came to can't be read") from None


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy and pandas.

    Raises:
        MissingExtra: what training needs is not installed.
    """
    require({"torch": "train", "transformers": "train", "peft": "train", "gguf": "train"})
    limits = SandboxLimits(timeout=600, threads=1)
    async with Sandbox.open(packages=("numpy", "pandas"), limits=limits, spare=False) as opened:
        plain = equipped(opened)
        yield Equipment(deps=Desk(opened), labels=plain.labels)


@tool(timeout=60)
async def run(code: str, context: ToolContext) -> str:
    """Run Python code in the sandbox."""
    bench: Desk = context.deps
    return (await printed_by(bench.opened, code)) or "ready"


@tool(timeout=3600)
async def walk(code: str, context: ToolContext) -> str:
    """Take a program first; then try, learn, and test with it.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if not bench.begun:
        bench.begun = True
        return display_safe((await printed_by(bench.opened, code))[:_SHOWN]) or "ready"
    seed = json.loads(code)["seed"]
    made = partial(keep, context, base="smollm2")
    shown, found = await road.walked(seed, bench.call, context.emit, made)
    return f"{display_safe(shown)}\n{json.dumps(found)}"


_READ = """import json
with open("given.json") as _file:
    _given = json.load(_file)
"""
_WRITE = """
with open("made.json", "w") as _file:
    json.dump(_made, _file)"""
_CALLS = {
    "settings": f"{_READ}_made = dict(SETTINGS){_WRITE}",
    "pick": f"{_READ}_made = [list(one) for one in pick(*_given)]{_WRITE}",
    "verdict": f"{_READ}_made = str(verdict(*_given)){_WRITE}",
}
