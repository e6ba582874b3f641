"""A small run that adds, and ways to look at what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from conversation import call, calls

from agentlab import Agent, Message, tool
from agentlab.backends.scripted import Scripted
from agentlab.trace import Trace

WORKED: list[tuple[int, int]] = []
"""What the tool really worked on."""


@tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    WORKED.append((a, b))
    return a + b


def script(messages: Sequence[Message], *_: Any) -> Message | str:
    """Two sums at once, then one, then an answer: told by the conversation alone."""
    asked = sum(message.role == "assistant" for message in messages)
    if asked == 0:
        return calls(call("add", id="a", a=1, b=2), call("add", id="b", a=3, b=4))
    last = messages[-1]
    results = [part.content for part in last.parts if part.kind == "tool_result"]
    if asked == 1:
        left, right = [*results, "0", "0"][:2]
        return calls(call("add", id="c", a=int(left), b=int(right)))
    return f"The sum is {results[0]}." if results else f"You said {last.text}."


def adding(runs: Path | None, said: Any = script, **options: Any) -> Agent[Any]:
    """An agent that adds."""
    options = {"instructions": "Add.", "tools": [add], **options}
    return Agent(backend=Scripted(said), runs=runs, **options)


def recorded(runs: Path, **options: Any) -> Trace:
    """The trace of a run of it: 0 started, 1 replied, 2-3 started, 4-5 finished, 6 replied, 7
    started, 8 finished, 9 replied, 10 finished."""
    agent = adding(runs, **options)
    with ThreadPoolExecutor(1) as pool:  # also from a test that is on an event loop
        path = pool.submit(agent.run_sync, "Go.").result().path
    assert path is not None
    WORKED.clear()
    return Trace.load(path)
