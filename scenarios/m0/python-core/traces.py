"""Traces of real runs: an agent's own loop and tools, with a script in the model's place.

Nothing in them is made by hand but how some end: a run that was killed stops half-way, and its last
line may be cut.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from agentlab.agent import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.events import ToolFinished, ToolStarted
from agentlab.messages import Message, ToolCall
from agentlab.tooling import tool
from agentlab.trace import Trace

CITIES = ("Oslo", "Lima", "Quito", "Málaga", "Łódź", "Hanoi", "Accra", "Perth")
_SEPARATOR = "\u2028"
"""A line separator, as it stands in many a web page; inside JSON it is an ordinary character."""


@tool
async def weather(city: str) -> str:
    """The weather in a city."""
    await asyncio.sleep(0.01)  # so that what was begun after it ends before it
    return f"{city}: rain,{_SEPARATOR}then sun"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def price(article: str) -> str:
    """What an article costs."""
    raise ToolError(f"no price is known for {article}")


def _called(rng: Random, number: int) -> ToolCall:
    name = rng.choice(("weather", "weather", "add", "add", "price", "translate"))
    arguments: dict[str, Any] = {
        "weather": {"city": rng.choice(CITIES)},
        "add": {"a": rng.randint(1, 99), "b": rng.randint(1, 99)},
        "price": {"article": rng.choice(("lamp", "chair", "kettle"))},
        "translate": {"text": rng.choice(CITIES)},  # a tool that the agent does not have
    }[name]
    return ToolCall(id=f"call_{number}", name=name, arguments=json.dumps(arguments))


def run(rng: Random, end: str) -> str:
    """The text of a run's trace.

    Args:
        end: how it ends: `whole`, `killed` between two events, or `torn` in the middle of one.
    """
    replies: list[Message | str] = []
    number = 0
    for _ in range(rng.randint(2, 3)):
        calls: list[ToolCall] = []
        for _ in range(rng.randint(2, 4)):
            number += 1
            calls.append(_called(rng, number))
        replies.append(Message.assistant(*calls))
    replies.append("Done.")
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(backend=Scripted(replies), tools=[weather, add, price], runs=Path(folder))
        done = agent.run_sync("Look it all up.")
        assert done.path is not None, "it was told where to keep its trace"
        text = done.path.read_text(encoding="utf-8")
    if end == "whole":
        return text
    lines = text.split("\n")
    begun = [n for n, line in enumerate(lines) if '"kind":"tool_started"' in line]
    at = rng.choice(begun[1:])
    kept = lines[: at + 1]
    if end == "killed":
        return "\n".join(kept) + "\n"
    following = lines[at + 1]
    return "\n".join([*kept, following[: rng.randint(8, len(following) - 2)]])


def calls(text: str) -> Sequence[dict[str, Any]]:
    """The calls that were begun in a run, as AgentLab's own reader has them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        path.write_text(text, encoding="utf-8")
        events = Trace.load(path).events
    results = {e.result.call_id: e.result for e in events if isinstance(e, ToolFinished)}
    found: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, ToolStarted):
            call, result = event.call, results.get(event.call.id)
            found.append(
                {
                    "tool": call.name,
                    "arguments": json.loads(call.arguments),
                    "result": result.content if result else None,
                    "error": result.error if result else "unfinished",
                }
            )
    return found
