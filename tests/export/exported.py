"""A run that has a bit of everything, and a trace made of any events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from agentlab import Agent, ToolContext, tool
from agentlab.backend import BackendIdentity, Reply
from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.messages import Blob, Image, Message, Reasoning, Text, ToolCall, Usage
from agentlab.trace import ParentRun, Record, Trace, TraceHeader

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "f8cfc0f01f00050001ff56c72f0d0000000049454e44ae426082"
)


@tool
def divide(a: int, b: int, context: ToolContext) -> float:
    """Divide two numbers."""
    if b == 0:
        raise ToolError("cannot divide by zero")
    context.attach("plot.png", PNG, "image/png")
    return a / b


def call(id: str = "call_1", /, name: str = "divide", **arguments: Any) -> ToolCall:
    return ToolCall(id=id, name=name, arguments=json.dumps(arguments))


def said(*parts: Any) -> Reply:
    message = Message.assistant(*parts)
    stop = "tool_calls" if message.tool_calls else "end"
    usage = Usage(input_tokens=100, cached_tokens=40, output_tokens=7, cost=0.25)
    return Reply(message=message, usage=usage, stop=stop)


MENDED = (
    said(Reasoning(text="Let me see."), "First try.", call(a=6, b=0)),
    said(call(a=6, b=2)),
    said("6 / 2 = 3"),
)


def ran(
    runs: Path, *replies: Any, input: str | Message = "What is 6 / 2?", **options: Any
) -> Trace:
    """The trace of a run that goes as told."""
    labels = options.pop("labels", {"lab": "m9/dividing", "step": "first"})
    agent: Agent[Any] = Agent(
        name="divider",
        backend=Scripted(replies or MENDED, name="local:smollm2"),
        instructions="Divide.",
        tools=[divide],
        runs=runs,
        **options,
    )
    result = agent.run_sync(input, labels=labels)
    assert result.path is not None
    return Trace.load(result.path)


CLOCKS = st.lists(st.floats(0, 253_000_000_000), max_size=6)
"""Any that a trace can hold: a record with another clock does not load."""


def trace_of(events: Sequence[Any], folder: Path, at: Sequence[float] = ()) -> Trace:
    """A trace nobody recorded, with clocks of its own."""
    header = TraceHeader(
        run="r1",
        created=1.0,
        agent="<b>agent</b>",
        backend=BackendIdentity(name="x:<i>", model='"><script>alert(1)</script>'),
        labels={"<key>": '"value"'},
        parent=ParentRun(run="../../etc/passwd", call_id="<u>"),
    )
    records = tuple(
        Record(seq=n, at=at[n] if n < len(at) else 1.0, event=event)
        for n, event in enumerate(events)
    )
    return Trace(path=folder / "r1.jsonl", header=header, records=records)


def shown(*parts: str) -> Message:
    """A user's message with a picture."""
    image = Image(media_type="image/png", blob=Blob.of(PNG))
    return Message(role="user", parts=(*(Text(text=part) for part in parts), image))
