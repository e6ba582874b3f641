"""The lab's tool: it asks a program what trainings will take, runs them, and compares.

What a training takes is measured in a fresh process, which the program can't reach.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from weakref import WeakSet

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.killable import output_of

from .cases import Batch, batches
from .judging import PARTS

_SCRIPT = Path(__file__).with_name("peak.py")
_SECONDS = 900.0
"""By the clock, which runs on while others have the processor."""
_SHOWN = 2000
_MEGABYTE = 1e6


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox for programs that only count.

    Raises:
        MissingExtra: what trains is not installed.
    """
    require({"torch": "train", "transformers": "train"})
    async with Sandbox.open(limits=SandboxLimits(timeout=60), spare=False) as opened:
        yield equipped(opened)


@tool(timeout=1200)
async def foretell(code: str, context: ToolContext) -> str:
    """Take a program first; then ask it what trainings will take, and run them.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _begun:
        _begun.add(opened)
        return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"
    drawn = batches(json.loads(code)["seed"])
    said = await _said(opened, drawn)
    context.emit("the trainings are run, two steps each\n")
    took = await measured(drawn)
    found: list[dict[str, Any]] = [
        {"title": batch.title, "said": mine, "took": theirs}
        for batch, mine, theirs in zip(drawn, said, took, strict=True)
    ]
    lines = [
        f"{one['title']}: {sum(one['said'].values()) / _MEGABYTE:,.0f} MB foretold, "
        f"{one['took']['peak'] / _MEGABYTE:,.0f} MB taken"
        for one in found
    ]
    return display_safe("\n".join(lines)) + "\n" + json.dumps({"found": found})


async def _said(opened: Sandbox, drawn: Sequence[Batch]) -> list[dict[str, float]]:
    """What the program foretells of each.

    Raises:
        ToolError: not a number of bytes for each part.
    """
    given = [[asdict(batch.shape), batch.texts, batch.length] for batch in drawn]
    said = await printed_by(opened, _ASK.format(given=json.dumps(json.dumps(given))))
    try:
        found: list[dict[str, Any]] = json.loads(said.splitlines()[-1])
        parts = [{name: float(one[name]) for name in PARTS} for one in found]
    except (ValueError, IndexError, KeyError, TypeError):
        parts = []
    # infinity and what is no number compare false
    if len(parts) != len(drawn) or not all(0 <= n < 1e13 for one in parts for n in one.values()):
        raise ToolError(f"needed returns bytes for each of {', '.join(PARTS)}, and nothing else")
    return parts


async def measured(drawn: Sequence[Batch]) -> list[Mapping[str, int]]:
    """What trainings took, each measured once.

    Raises:
        ToolError: one ended before its time.
    """
    async with _one_at_a_time:
        new = [batch for batch in drawn if batch not in _took]
        if new:
            job = json.dumps([[asdict(one.shape), one.texts, one.length] for one in new])
            try:
                output = await output_of(_SCRIPT, job.encode(), seconds=_SECONDS)
                _took.update(zip(new, json.loads(output), strict=True))
            except (TimeoutError, ValueError):
                raise ToolError("the trainings did not end: is there memory for 3 GB?") from None
    return [_took[batch] for batch in drawn]


_ASK = """\
import json as _json
print(_json.dumps([needed(*_one) for _one in _json.loads({given})]))
"""
_begun: WeakSet[Sandbox] = WeakSet()
_took: dict[Batch, Mapping[str, int]] = {}
_one_at_a_time = asyncio.Lock()
