"""The lab's tool: the learner's notebook in real kernels, in the sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import combinations
from random import Random
from typing import Any
from weakref import WeakKeyDictionary

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.errors import ConfigError, ToolError
from agentlab.labs import Equipment
from agentlab.limits import Limits
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe
from agentlab_tools.execute.equipment import equipped, require

from .cells import Cell, below_parameters, cells_in
from .kernels import Kernels, Ran, kernels

MODEL = "local:agent"
STEADY = Settings(temperature=0, max_tokens=50)
MOST_CELLS = 9
_SHOWN = 160


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox in which kernels can be started; its strength stands in the trace.

    Raises:
        MissingExtra: what runs notebooks is not installed.
        ConfigError: no process can be started in the sandbox.
    """
    require({"nbclient": "course", "ipykernel": "course"})
    async with _opened() as opened:
        if (await opened.run_shell("python3 -c pass")).outcome != "ok":
            raise ConfigError(
                "this lab starts Jupyter's kernel inside the sandbox, and this one starts nothing: "
                "see `agentlab doctor`"
            )
        yield equipped(opened)


def _opened() -> AbstractAsyncContextManager[Sandbox]:
    limits = SandboxLimits(timeout=30)
    return Sandbox.open(packages=("nbclient", "ipykernel"), limits=limits, spare=False)


@tool(timeout=300)
async def run_notebook(code: str, context: ToolContext) -> str:
    """Take a notebook as text first; then run it in fresh kernels, as a case asks.

    The last line of what is returned is for the grader: what the last cell put out, run by run.
    """
    opened: Sandbox = context.deps
    if opened not in _notebooks:
        _notebooks[opened] = cells_in(code)
        if not _notebooks[opened]:
            raise ToolError("there is no cell: begin each with a line # %%")
        return "ready"
    cells, told = _notebooks[opened], json.loads(code)
    async with kernels(opened) as kernel:
        work = {"mend": _mend, "again": _again, "asked": answered}[told["work"]]
        lines, found = await work(kernel, cells, told)
        context.attach("executed.ipynb", await kernel.notebook(), "application/x-ipynb+json")
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


def _last(ran: Sequence[Ran], numbers: Sequence[int]) -> dict[str, Any]:
    """What became of a run of the cells with these numbers: the last line below the last of them,
    or the error, and in which cell it was."""
    end = ran[-1]
    if end.error is not None:
        return {"line": None, "error": end.error, "cell": numbers[len(ran) - 1]}
    lines = end.text.strip().splitlines()
    return {"line": lines[-1][:_SHOWN] if lines else "", "error": None}


async def _run(
    kernel: Kernels, cells: Sequence[Cell], numbers: Sequence[int] | None = None
) -> dict[str, Any]:
    """Run the cells with these numbers, the first being 1; all, if none are given."""
    numbers = numbers or range(1, len(cells) + 1)
    ran = await kernel.run([cells[number - 1].source for number in numbers])
    return _last(ran, numbers)


def _said(one: dict[str, Any]) -> str:
    if one["error"] is not None:
        return f"cell {one['cell']}: {one['error']}"
    return str(one["line"] or "nothing below the last cell")


Worked = tuple[list[str], dict[str, Any]]


async def _mend(kernel: Kernels, cells: Sequence[Cell], told: dict[str, Any]) -> Worked:
    """A kernel for each day, all in one folder."""
    runs: list[dict[str, Any]] = []
    for calls in told["days"]:
        await kernel.start("days", {"calls.csv": calls})
        runs.append(await _run(kernel, cells))
    lines = [f"kernel {n}, run all: {_said(one)}" for n, one in enumerate(runs, 1)]
    return lines, {"runs": runs}


async def _again(kernel: Kernels, cells: Sequence[Cell], told: dict[str, Any]) -> Worked:
    """One kernel: all cells, each twice, and then any two again, one above the other."""
    await kernel.start("day", {"calls.csv": told["calls"]})
    once = await _run(kernel, cells)
    found: dict[str, Any] = {"cells": len(cells), "once": once, "twice": None, "pairs": []}
    lines = [f"run all: {_said(once)}"]
    if once["error"] is None and len(cells) <= MOST_CELLS:
        numbers = range(1, len(cells) + 1)
        twice = await _run(kernel, cells, [number for number in numbers for _ in range(2)])
        found["twice"] = twice
        lines.append(f"each cell twice: {_said(twice)}")
        pairs = list(combinations(numbers[:-1], 2)) if twice["error"] is None else []
        Random(told["seed"]).shuffle(pairs)  # noqa: S311 - an order to try is no secret
        for one, other in pairs:
            after = await _run(kernel, cells, [one, other, len(cells)])
            found["pairs"].append([one, other, after])
            lines.append(f"cells {one}, {other} and the last: {_said(after)}")
    return lines, found


async def answered(kernel: Kernels, cells: Sequence[Cell], told: dict[str, Any]) -> Worked:
    """One kernel for all questions: parameters set anew, and all below run again."""
    below = below_parameters(cells)
    if below is None:
        raise ToolError("one cell, and one only, begins with # %% parameters")
    await kernel.start("day", {"calls.csv": told["calls"]})
    once = await _run(kernel, cells)
    if once["error"] is not None:
        raise ToolError(f"run all, {_said(once)}")

    async def answer(name: str) -> dict[str, Any]:
        ran = await kernel.run([f"tool = {name!r}", *(cell.source for cell in below)])
        above = len(cells) - len(below)
        return {"tool": name, **_last(ran, range(above, len(cells) + 1))}

    model = connect(MODEL, threads=1, n_ctx=1024)
    try:
        asked = [await _question(answer, model, text) for text in told["asked"]]
    finally:
        await model.aclose()
    straight = [await answer(name) for name in told["straight"]]
    lines: list[str] = []
    for one in asked:
        calls = "; ".join(f"failed_calls({c['tool']}) → {_said(c)}" for c in one["calls"])
        lines.append(f"{one['asked']}\n    {calls or 'no call'}\n    {one['answer']}")
    lines += [f"tool = {one['tool']!r} → {_said(one)}" for one in straight]
    return lines, {"asked": asked, "straight": straight}


async def _question(answer: Any, model: Backend, text: str) -> dict[str, Any]:
    calls: list[dict[str, Any]] = []

    @tool
    async def failed_calls(tool: str) -> str:
        """Count the calls of a tool that failed."""
        calls.append(await answer(tool))
        if calls[-1]["error"] is not None:
            raise ToolError(calls[-1]["error"])
        return calls[-1]["line"] or "nothing"

    agent = Agent(backend=model, tools=[failed_calls], settings=STEADY, limits=Limits(steps=2))
    result = await agent.run(text)
    return {"asked": text, "calls": calls, "answer": result.text}


_notebooks: WeakKeyDictionary[Sandbox, tuple[Cell, ...]] = WeakKeyDictionary()
