"""The lab's tools: a program in a sandbox, and then what it defines, tried there.

What is right is known outside only; experts are lent, and a net that was trained inside is read
outside, from its weights.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH
from agentlab_tools.train.waiting import share_openmp

from . import clerk, counting, drawing, held, inside, net, routing, texts
from .lender import Lender

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_LIMITS = SandboxLimits(timeout=600, threads=1)
"""Seconds by the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 16_000_000
_LAYERS = 3


@dataclass
class Desk:
    """Where a learner's program runs: a sandbox, opened when it is known with which packages."""

    stack: AsyncExitStack
    plain: Sandbox
    opened: Sandbox | None = None
    lent: Lender | None = None

    async def begin(self, code: str, *packages: str) -> str:
        """Open it, and run the program in it."""
        opened = self.plain
        if packages:
            opened = await self.stack.enter_async_context(_open(*packages))
            await printed_by(opened, QUICK_TORCH)
            await opened.write_file("net.py", inside.NET)
        self.opened = opened
        return display_safe((await printed_by(opened, code))[:_SHOWN]).rstrip() or "ready"

    @property
    def lender(self) -> Lender:
        """Who answers for experts."""
        self.lent = self.lent or Lender(self.sandbox)
        return self.lent

    @property
    def sandbox(self) -> Sandbox:
        """Where the program ran.

        Raises:
            ToolError: none did yet.
        """
        if self.opened is None:
            raise ToolError("no program was run yet")
        return self.opened

    async def run(self, code: str, given: Mapping[str, Any], told: object) -> dict[str, Array]:
        """Run our code on the learner's functions, and read the arrays that it leaves.

        Raises:
            ToolError: it failed, or left nothing that can be read.
        """
        import numpy as np

        file = io.BytesIO()
        np.savez(file, **given)
        await self.sandbox.write_file("given.npz", file.getvalue())
        await self.sandbox.write_file("told.json", json.dumps(told))
        await printed_by(self.sandbox, f"{inside.BEGIN}{code}{inside.END}")
        try:
            data = await self.sandbox.read_file("made.npz", limit=_LARGEST)
            with np.load(io.BytesIO(data), allow_pickle=False) as made:
                return {name: made[name] for name in made.files}
        except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
            why = str(error) if isinstance(error, WorkspaceError) else type(error).__name__
            raise ToolError(f"what came out of it can't be read: {why}") from error


def _open(*packages: str) -> Any:
    return Sandbox.open(packages=packages, limits=_LIMITS, spare=False)


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy; another, with PyTorch, is opened for a program that trains.

    Raises:
        MissingExtra: torch, or what draws, is not installed.
    """
    require({"torch": "train", "matplotlib": "tools"})
    share_openmp()
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(_open("numpy"))
        yield Equipment(deps=Desk(stack, plain), labels=equipped(plain).labels)


@tool(timeout=300)
async def send(code: str, context: ToolContext) -> str:
    """Take a program first; then have it send tokens to experts, who are asked outside.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    found: dict[str, str | None] = {}
    lines: list[str] = []
    for task in routing.tasks(json.loads(code)["seed"]):
        given = {"x": task.x, "gate": task.gate, "k": task.k}
        code = f"{bench.lender.inside}{inside.ROUTE}"
        made = await bench.lender.during(task.experts, lambda c=code, g=given: bench.run(c, g, {}))
        y = _array(made, "y", 2)
        for name, why in routing.judged(task, y, bench.lender.calls).items():
            found[name] = found.get(name) or why
        rows = sum(len(rows) for _, rows in bench.lender.calls)
        lines.append(f"{task.name}: {rows} rows in {len(bench.lender.calls)} calls")
    return _shown("\n".join(lines), found)


@tool(timeout=1200)
async def train(code: str, context: ToolContext) -> str:
    """Take a program first; then try its layer, or train a net with it and read that outside.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code, "torch", "numpy")
    told: dict[str, Any] = json.loads(code)
    if told["task"] == "layer":
        return await _layers(bench, told["seed"])
    trial = held.Trial.of(told["seed"])
    given = {"seen": trial.known.seen, "then": trial.known.then}
    made = await bench.run(inside.LEARN, given, {**trial.settings, "net": inside.NET})
    context.emit(_took(made))
    weights = net.weights(made)
    read = net.read(weights, trial.held)
    shares = await asyncio.to_thread(drawing.shares, _array(made, "shares_", 2))
    context.attach("shares.png", shares, "image/png")
    picture = await asyncio.to_thread(drawing.who_reads, trial.fold, weights, None)
    context.attach("read.png", picture, "image/png")
    found = trial.found(read)
    return _shown(held.said(found), found)


async def _layers(bench: Desk, seed: int) -> str:
    """Whether the layer is what it is said to be, on numbers drawn by chance."""
    tried = net.layers(seed, _LAYERS)
    given = {f"{name}{n}": part for n, one in enumerate(tried) for name, part in one.items()}
    made = await bench.run(inside.LAYER, given, {"count": _LAYERS})
    why = net.another([made.get(f"y{n}") for n in range(_LAYERS)], tried)
    return _shown("", {"layer": why})


@tool(timeout=1200)
async def sort(code: str, context: ToolContext) -> str:
    """Take a program first; then train a net whose windows it deals out, and read that outside.

    The last line of what is returned is for the grader.
    """
    import numpy as np

    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code, "torch", "numpy")
    trial = held.Trial.of(json.loads(code)["seed"])
    names = texts.languages()
    told = {
        **trial.settings,
        "net": inside.NET,
        "windows": trial.known.strings(),
        "texts": [text for _, text in trial.texts],
        "languages": [names[n] for n, _ in trial.texts],
    }
    given = {"seen": trial.known.seen, "then": trial.known.then}
    made = await bench.run(inside.SORT, given, told)
    context.emit(_took(made))
    weights = net.weights(made)
    strings = trial.held.strings()
    chosen = np.zeros(len(strings), dtype="int64")
    for rows in trial.rounds:
        chosen[rows] = await _chosen(bench, [strings[n] for n in rows])
    read = net.read(weights, trial.held, chosen)
    page = await _chosen(bench, texts.windows(drawing.page(trial.fold)).strings())
    picture = await asyncio.to_thread(drawing.who_reads, trial.fold, weights, page)
    context.attach("read.png", picture, "image/png")
    others = texts.windows(texts.paragraphs(trial.fold, held=True, others=True))
    who = await _chosen(bench, others.strings())
    picture = await asyncio.to_thread(
        drawing.kin, read.experts, trial.held.language, who, others.language
    )
    context.attach("kin.png", picture, "image/png")
    found = trial.found(read)
    return _shown(held.said(found), found)


async def _chosen(bench: Desk, strings: list[str]) -> Array:
    """Who reads each of these windows, by the learner's router."""
    import numpy as np

    said = await printed_by(bench.sandbox, inside.CHOOSE.format(strings=json.dumps(strings)))
    try:
        chosen = np.array(json.loads(said.strip().splitlines()[-1]), dtype="int64")
    except (ValueError, IndexError, TypeError, OverflowError, RecursionError) as error:
        raise ToolError("what came out of it can't be read") from error
    if chosen.shape != (len(strings),) or chosen.min() < 0 or chosen.max() >= net.EXPERTS:
        raise ToolError("what came out of it can't be read")
    return chosen


@tool(timeout=600)
async def weigh(code: str, context: ToolContext) -> str:
    """Take a program first; then have it count models, and let an agent ask it.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    tried = counting.drawn(Random(json.loads(code)["seed"]), 7)  # noqa: S311 - the seed is the point
    names = list(counting.PUBLISHED)
    asked = [*tried, *((counting.PUBLISHED[name], 1) for name in names)]
    made = await bench.run(inside.COUNT, {}, {"asked": asked})
    said = _array(made, "counted", 2)
    if said.shape != (len(asked), 3):
        raise ToolError(f"count returned {said.shape[1:]} numbers, not 3")
    titles = ["Mixtral-8x7B", *(f"shape {n}" for n in range(1, len(tried))), *names]
    found: dict[str, Any] = {
        "counted": [
            {"name": f"{title}, {tokens} tokens", "said": row, "due": counting.counted(*model)}
            for title, model, row in zip(titles, asked, said.tolist(), strict=True)
            for tokens in [model[1]]
        ]
    }
    lines = [
        f"{one['name']}: {', '.join(f'{number / 1e9:,.2f}' for number in one['said'])} billion"
        for one in found["counted"][:3]
    ]
    right = all(
        abs(a - b) <= 1e-6 * b
        for one in found["counted"]
        for a, b in zip(one["said"], one["due"], strict=True)
    )
    if right:
        context.emit("the agent is asked\n")
        totals = {
            name: row[0] for name, row in zip(names, said[-len(names) :].tolist(), strict=True)
        }
        found["agent"] = await clerk.asked(names, totals)
        for one, name in zip(found["agent"], names, strict=True):
            one["due"] = counting.machine(counting.counted(counting.PUBLISHED[name], 1)[0])
            lines.append(f"{one['asked']} {one['said']}")
    return _shown("\n".join(lines), found)


def _took(made: Mapping[str, Array]) -> str:
    return f"trained in {float(_array(made, 'seconds_', 0)):.0f} s\n"


def _array(made: Mapping[str, Array], name: str, axes: int) -> Array:
    """One of the arrays that our code left.

    Raises:
        ToolError: it is not there, or no numbers.
    """
    part = made.get(name)
    if part is None or part.ndim != axes or part.dtype.kind not in "fiub":
        raise ToolError("what came out of it can't be read")
    return part.astype("float64")


def _shown(text: str, found: object) -> str:
    return f"{display_safe(text)}\n{json.dumps(found)}"
