"""What reading and playing traces costs, each against its limit.

    python benchmarks/replay.py [--folder FOLDER]

CPU is that of all threads, at best of several repeats, so a busy machine disturbs little. "small"
events are as short as events get (a call of one tool with two numbers); in the "usual" run a reply
holds 800 characters, a result 2,000.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentlab import Agent, Limits, Message, ToolCall, tool
from agentlab.backends.scripted import Scripted
from agentlab.events import ModelReplied, ToolFinished
from agentlab.replay import diff, fork, replay
from agentlab.trace import Trace
from agentlab.trace.writing import TraceWriter

STEPS = 1000


@tool
async def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@tool
async def read(a: int, b: int) -> str:
    """Read a page."""
    return "All happy families are alike. " * 67


def agent(steps: int, folder: Path, *, usual: bool = False) -> Agent[Any]:
    """An agent that makes one call a step."""
    call = ToolCall(id="1", name="read" if usual else "add", arguments='{"a": 2, "b": 3}')
    words = ("I look at the next page. " * 32,) if usual else ()
    said = [Message.assistant(*words, call)] * steps + ["5"]
    limits = Limits(steps=None)
    return Agent(backend=Scripted(said), tools=[add, read], limits=limits, runs=folder)


def recorded(steps: int, folder: Path, **options: Any) -> Path:
    """The trace of such a run."""
    path = agent(steps, folder, **options).run_sync("2 + 3?").path
    assert path is not None
    return path


def cpu(work: Callable[[], object], repeat: int = 7) -> float:
    """Seconds of CPU, at best."""
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


async def served(trace: Trace) -> int:
    """Play a run to its end."""
    return sum([1 async for _ in replay(trace)])


def line(what: str, value: float, unit: str, limit: float, *, at_least: bool = False) -> None:
    """One measurement and how it stands to its limit."""
    holds = value >= limit if at_least else value <= limit
    bound = "at least" if at_least else "at most"
    mark = "ok" if holds else "MISSED"
    print(f"{what:<46}{value:>12,.1f} {unit:<10}{bound} {limit:>9,.0f}  {mark}")


def measure_one_run(folder: Path) -> None:
    """Loading, playing, appending, forking, comparing."""
    for name, usual in (("small", False), ("usual", True)):
        path = recorded(STEPS, folder, usual=usual)
        size, trace = path.stat().st_size, Trace.load(path)
        seconds = cpu(lambda path=path: Trace.load(path))
        events, megabytes = len(trace.events) / seconds, size / seconds / 1e6
        if megabytes < 150:  # either will do
            line(f"load, {name} events", events, "events/s", 200_000, at_least=True)
        else:
            line(f"load, {name} events", megabytes, "MB/s", 150, at_least=True)
    path = recorded(STEPS, folder)
    trace = Trace.load(path)
    line("serve 1,000 steps", cpu(lambda: asyncio.run(served(trace))) * 1e3, "ms CPU", 100)
    line(
        "compare 1,000 steps with themselves",
        cpu(lambda: diff(trace, trace), 3) * 1e3,
        "ms CPU",
        1000,
    )
    half = STEPS // 2 * 3
    run = fork(trace, at=half, agent=agent(0, folder), tool_result="6")
    began = time.process_time()
    asyncio.run(consumed(run))
    line("fork after 500 steps, to its end", (time.process_time() - began) * 1e3, "ms CPU", 1000)
    events = [e for e in trace.events if isinstance(e, ModelReplied | ToolFinished)][:1000]

    def append() -> None:
        writer = TraceWriter(folder / str(time.perf_counter_ns()), trace.header)
        for event in events:
            writer.append(event)
        writer.close()

    line("append one event", cpu(append) / len(events) * 1e6, "us CPU", 30)


async def consumed(run: Any) -> None:
    """Read a run to its end."""
    async for _ in run:
        pass


def measure_growth(folder: Path) -> None:
    """A file of ten times the steps."""
    one, ten = (recorded(steps, folder) for steps in (STEPS, 10 * STEPS))
    line(
        "10,000 steps: size over 10 x 1,000 steps",
        ten.stat().st_size / one.stat().st_size / 10 * 100,
        "%",
        105,
    )
    slow = cpu(lambda: Trace.load(ten), 3) / cpu(lambda: Trace.load(one), 3) / 10 * 100
    line("10,000 steps: loading over 10 x 1,000 steps", slow, "%", 150)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="cost of reading and playing traces")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder if omitted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure_one_run(Path(folder) / "one")
        measure_growth(Path(folder) / "growth")


if __name__ == "__main__":
    main()
