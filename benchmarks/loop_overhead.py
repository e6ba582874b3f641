"""What the loop itself costs: CPU a step, with a backend that takes no time to think.

    python benchmarks/loop_overhead.py [--repeat N]

One step is one reply of the scripted backend with one tool call, and that call. It is compared with
a bare loop, which streams the same replies, calls the same function and appends the result: no
validation, limits, approval, events or trace. The best of several repeats counts (CPU time of all
threads, so a busy machine disturbs little). "growth" is the CPU of a step in a run of 1,000 steps
over that in a run of 20: 1.0 is linear, and a loop that handles its history at every step is far
above it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agentlab import Agent, Limits, Message, Reply, Tool, ToolCall, ToolResult, tool
from agentlab.backends.scripted import Scripted

SHORT, LONG = 20, 1000
TARGET = 0.2
"""Milliseconds of CPU that a step of a short run may cost beyond nothing at all."""


def plain(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def later(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def backend(steps: int) -> Scripted:
    """A model that asks for one call a step, then answers."""
    call = ToolCall(id="1", name="add", arguments='{"a": 2, "b": 3}')
    return Scripted([Message.assistant(call)] * steps + ["5"])


async def bare(steps: int) -> None:
    """The least a loop can do."""
    model = backend(steps)
    messages = [Message.user("2 + 3?")]
    while True:
        async for item in model.stream(messages):
            if isinstance(item, Reply):
                messages.append(item.message)
        if not messages[-1].tool_calls:
            return
        results = [
            ToolResult(call_id=call.id, content=str(plain(**json.loads(call.arguments))))
            for call in messages[-1].tool_calls
        ]
        messages.append(Message.results(results))


def agent_run(made: Tool[Any], runs: Path | None) -> Callable[[int], Awaitable[None]]:
    """The same work done by an agent."""

    async def go(steps: int) -> None:
        agent = Agent(backend=backend(steps), tools=[made], limits=Limits(steps=None), runs=runs)
        await agent.run("2 + 3?")

    return go


def milliseconds(go: Callable[[int], Awaitable[None]], steps: int, repeat: int) -> float:
    """CPU a step, at best."""

    async def once() -> float:
        began = time.process_time()
        await go(steps)
        return (time.process_time() - began) / steps * 1e3

    return min(asyncio.run(once()) for _ in range(repeat))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="CPU a step of the agent loop")
    parser.add_argument("--repeat", type=int, default=15, help="repeats, of which the best counts")
    repeat: int = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        add_plain, add_later = tool(name="add")(plain), tool(name="add")(later)
        rows = {
            "bare loop": bare,
            "agent, async tool": agent_run(add_later, None),
            "agent, async tool, trace": agent_run(add_later, runs),
            "agent, plain tool": agent_run(add_plain, None),
            "agent, plain tool, trace": agent_run(add_plain, runs),
        }
        print(f"{'ms CPU a step':<26}{SHORT:>4} steps{LONG:>6} steps  growth  of bare")
        floor = 0.0
        for name, go in rows.items():
            milliseconds(go, SHORT, 2)  # warm up
            short = milliseconds(go, SHORT, repeat)
            long = milliseconds(go, LONG, max(2, repeat // 5))
            floor = floor or short
            print(
                f"{name:<26}{short:>10.3f}{long:>12.3f}{long / short:>8.2f}{short / floor:>8.1f}x"
            )
        print(f"target: {TARGET} ms at {SHORT} steps, growth about 1")


if __name__ == "__main__":
    main()
