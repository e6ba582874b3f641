"""The log of a day: traces of real runs in a row, with a script in the model's place."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

from agentlab.agent import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.messages import Message, ToolCall
from agentlab.tooling import tool

_TOOLS = ("weather", "add", "price")


@tool
async def weather(city: str) -> str:
    """The weather in a city."""
    await asyncio.sleep(0.01)  # so that it takes a while that can be measured
    return f"{city}: rain"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    if a > 50:
        raise ToolError("that is too much to add")
    return a + b


@tool
def price(article: str) -> str:
    """What an article costs."""
    raise ToolError(f"no price is known for {article}")


def _called(rng: Random, number: int) -> ToolCall:
    name = rng.choice(("weather", "add", "add", "price"))
    arguments: dict[str, Any] = {
        "weather": {"city": rng.choice(("Oslo", "Lima", "Quito"))},
        "add": {"a": rng.randint(1, 99), "b": rng.randint(1, 99)},
        "price": {"article": rng.choice(("lamp", "chair", "kettle"))},
    }[name]
    return ToolCall(id=f"call_{number}", name=name, arguments=json.dumps(arguments))


def _run(rng: Random, folder: Path, *, killed: bool) -> str:
    calls = [_called(rng, number) for number in range(1, rng.randint(5, 9))]
    if killed:  # right after a call that takes its time was begun
        last = ToolCall(id=f"call_{len(calls) + 1}", name="weather", arguments='{"city": "Oslo"}')
        calls.append(last)
    replies = [*(Message.assistant(call) for call in calls), "Done."]
    agent = Agent(backend=Scripted(replies), tools=[weather, add, price], runs=folder)
    done = agent.run_sync("Look it all up.")
    assert done.path is not None, "it was told where to keep its trace"
    lines = done.path.read_text(encoding="utf-8").splitlines()
    if killed:
        started = [n for n, line in enumerate(lines) if '"kind":"tool_started"' in line]
        lines = lines[: started[-1] + 1]
    return "".join(f"{line}\n" for line in lines)


def log(rng: Random, runs: int = 4) -> str:
    """The traces of some runs, the second of them killed; each begins with its head."""
    with tempfile.TemporaryDirectory() as folder:
        return "".join(_run(rng, Path(folder), killed=n == 1) for n in range(runs))


Row = tuple[str, str | None, int, float | None]


def summed(text: str) -> list[Row]:
    """(tool, error, calls, seconds) for each pair of tool and error, in their order."""
    run, begun = "", dict[tuple[str, str], tuple[str, float]]()
    ended = dict[tuple[str, str], tuple[str | None, float]]()
    for line in text.splitlines():
        told = json.loads(line)
        event = told.get("event", {})
        if "run" in told:
            run = told["run"]
        elif event["kind"] == "tool_started":
            begun[run, event["call"]["id"]] = (event["call"]["name"], told["at"])
        elif event["kind"] == "tool_finished":
            result = event["result"]
            ended[run, result["call_id"]] = (result["error"], told["at"])
    took: dict[tuple[str, str | None], list[float | None]] = defaultdict(list)
    for key, (name, at) in begun.items():
        error, end = ended.get(key, ("unfinished", None))
        took[name, error].append(None if end is None else end - at)
    return sorted(
        (
            (name, error, len(all_), _sum([t for t in all_ if t is not None]))
            for (name, error), all_ in took.items()
        ),
        key=lambda row: (row[0], row[1] or ""),
    )


def _sum(times: list[float]) -> float | None:
    return sum(times) if times else None
