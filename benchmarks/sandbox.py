"""How fast the sandbox is, beside plain Python and beside a Jupyter kernel, in one run.

    python benchmarks/sandbox.py [--backend bubblewrap] [--rounds 20] [--json]

Needs numpy, pandas and matplotlib, and jupyter_client with ipykernel. Every figure is a median of
rounds that take turns, so that a busy machine slows both sides alike. What is asserted of the
sandbox are the ratios; the milliseconds are this machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from agentlab_tools.execute import Sandbox, open_source

PACKAGES = ("numpy", "pandas", "matplotlib")
FIRST = "import numpy, pandas, matplotlib.pyplot\nnumpy.arange(3).sum()"


def plain_start(executable: str, *options: str) -> float:
    """Seconds for `python -c 'print(1)'`, start to end."""
    began = time.perf_counter()
    argv = [executable, *options, "-c", "print(1)"]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


async def cold_start(backend: str) -> float:
    """Seconds for opening a sandbox, `print(1)` in it, and closing it."""
    began = time.perf_counter()
    async with Sandbox.open(backend=backend, spare=False) as sandbox:
        result = await sandbox.run_python("print(1)")
    assert result.stdout == "1\n"
    return time.perf_counter() - began


@dataclass(frozen=True)
class Turn:
    """What a cell took in one turn: seconds by the clock (the median), and of processor time, here
    and in all processes below (the mean)."""

    clock: float
    cpu: float


async def warm_cells(backend: str, turns: int) -> list[tuple[Turn, Turn]]:
    """Cells in one sandbox and in one Jupyter kernel, which take turns: a pair for each turn.

    Jupyter's count from the request to the reply and to being idle.
    """
    peer: Any = import_module("jupyter_client.manager")
    manager, client = await asyncio.to_thread(peer.start_new_kernel, kernel_name="python3")
    pairs: list[tuple[Turn, Turn]] = []

    async def jupyter() -> None:
        client.execute_interactive("1 + 1", timeout=30, output_hook=_ignore)

    try:
        async with Sandbox.open(backend=backend, spare=False) as sandbox:

            async def ours() -> None:
                await sandbox.run_python("1 + 1")

            for _ in range(turns + 1):
                pairs.append((await _turn(ours, 100), await _turn(jupyter, 10)))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return pairs[1:]


async def _turn(cell: Callable[[], Awaitable[None]], count: int) -> Turn:
    seconds: list[float] = []
    before = _processor_time()
    for _ in range(count):
        began = time.perf_counter()
        await cell()
        seconds.append(time.perf_counter() - began)
    return Turn(median(seconds), (_processor_time() - before) / count)


def _processor_time() -> float:
    """Seconds that this process, and all below it that are there, have been on a processor."""
    waiting, total = [os.getpid()], 0
    while waiting:
        pid = waiting.pop()
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
            waiting += map(int, (task / "children").read_text().split())
    return total / 1e9


def _ignore(_message: object) -> None:
    """Show nothing."""


async def first_cells(backend: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the first cell of sandboxes from a warm source, and of taking one from it."""
    cells: list[float] = []
    taken: list[float] = []
    async with open_source(backend=backend, packages=PACKAGES) as source:
        for _ in range(rounds):
            await source.warm()
            began = time.perf_counter()
            async with Sandbox.open(source=source, packages=PACKAGES) as sandbox:
                opened = time.perf_counter()
                result = await sandbox.run_python(FIRST)
                ended = time.perf_counter()
            assert result.value == "np.int64(3)", result
            taken.append(ended - began)
            cells.append(ended - opened)
    return cells, taken


async def measure(backend: str, rounds: int) -> dict[str, float | str]:
    """All of it, as milliseconds and ratios."""
    async with Sandbox.open(backend=backend, spare=False) as sandbox:
        chosen = sandbox.describe()
    executable = sys.executable
    plain: list[float] = []
    bare: list[float] = []
    cold: list[float] = []
    for _ in range(rounds):
        plain.append(plain_start(executable))
        bare.append(plain_start(executable, "-I", "-S"))
        cold.append(await cold_start(backend))
    pairs = await warm_cells(backend, max(10, rounds))
    first, taken = await first_cells(backend, max(5, rounds // 2))
    return {
        "backend": chosen.backend,
        "level": chosen.level,
        "plain python, ms": 1000 * median(plain),
        "plain python without its site module, ms": 1000 * median(bare),
        "cold print(1), ms": 1000 * median(cold),
        "warm cell, ms": 1000 * median(ours.clock for ours, _ in pairs),
        "warm ipykernel cell, ms": 1000 * median(theirs.clock for _, theirs in pairs),
        "warm cell, processor ms": 1000 * median(ours.cpu for ours, _ in pairs),
        "warm ipykernel cell, processor ms": 1000 * median(theirs.cpu for _, theirs in pairs),
        "first cell with numpy, pandas, matplotlib, ms": 1000 * median(first),
        "the same with taking the sandbox, ms": 1000 * median(taken),
        "ratio: cold start / plain python (at most 3)": median(cold) / median(plain),
        "ratio: the same without site": median(cold) / median(bare),
        "ratio: ipykernel / warm cell": median(b.clock / a.clock for a, b in pairs),
        "ratio: the same in processor time": median(b.cpu / a.cpu for a, b in pairs),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(measure(options.backend, options.rounds))
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:50} {value if isinstance(value, str) else f'{value:8.3f}'}")


if __name__ == "__main__":
    main()
