"""Random programs for a scripted agent: what its model does, what its tools do, what a person says.

A program is a value, and what happens depends on nothing but the conversation, so the same program
comes to the same events whenever it is run, from wherever it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from agentlab import Agent, Decision, Limits, Message, Policy, ToolCall, ToolContext, tool
from agentlab.backend import Reply
from agentlab.backends.scripted import Scripted
from agentlab.errors import BackendError
from agentlab.events import LiveEvent, StoredEvent
from agentlab.messages import Usage

PLAIN = ("add", "later", "fails", "shout", "attach", "sensitive", "forbidden")


@tool
async def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@tool
async def later(a: int) -> str:
    """Answer after the others."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return f"later {a}"


@tool
async def fails(a: int) -> str:
    """Fail."""
    raise ValueError(f"no {a}")


@tool
async def shout(context: ToolContext, a: int) -> dict[str, Any]:
    """Say something on the way."""
    context.emit(f"working on {a}\n")
    return {"said": a, "é": "\x1b[31m"}


@tool
async def attach(context: ToolContext, a: int) -> str:
    """Make a file."""
    context.attach("n.bin", bytes([a % 256]) * 3, "application/octet-stream")
    return ""


@tool
async def sensitive(a: int) -> str:
    """Needs consent."""
    return f"did {a}"


@tool
async def forbidden(a: int) -> str:
    """Is never allowed."""
    raise AssertionError("it was called")


TOOLS = (add, later, fails, shout, attach, sensitive, forbidden)


@dataclass(frozen=True)
class Program:
    """What is to happen."""

    steps: tuple[tuple[ToolCall, ...], ...]
    ending: str
    person: str
    limits: Limits
    stop_after: int | None
    """After how many stored events somebody stops the run."""

    def agent(self, runs: Path | None) -> Agent:
        """The agent whose model follows the program; a second one can take over."""

        def script(messages: Sequence[Message], *_: Any) -> Reply | Message:
            turn = sum(message.role == "assistant" for message in messages)
            if turn < len(self.steps):
                said = Message.assistant("Hm. ", *self.steps[turn])
                return Reply(
                    message=said, usage=Usage(input_tokens=9, output_tokens=3), stop="tool_calls"
                )
            if self.ending == "fails":
                raise BackendError("the model is gone")
            return Message.assistant("Done.")

        backend = Scripted(script)
        policy = Policy(ask=("sensitive",), deny=("forbidden",))
        other = Agent(
            name="other",
            backend=backend,
            tools=TOOLS,
            instructions="You took over.",
            handoffs=("agent",),
            approval=policy,
        )
        return Agent(
            backend=backend,
            tools=TOOLS,
            instructions="Begin.",
            handoffs=(other,),
            approval=policy,
            limits=self.limits,
            runs=runs,
        )

    @property
    def approver(self) -> Any:
        """The person, or nobody."""
        if self.person == "away":
            return None

        async def decide(call: ToolCall) -> Decision:
            if self.person == "yes":
                return Decision(verdict="allow")
            return Decision(verdict="deny", reason="not now")

        return decide


async def stored(run: Any, stop_after: int | None = None) -> list[StoredEvent]:
    """The run's events but the live ones; stopped from outside after so many."""
    events: list[StoredEvent] = []
    async for event in run:
        if isinstance(event, LiveEvent):
            continue
        events.append(event)
        if len(events) == stop_after:
            run.stop()
    return events


_names = st.sampled_from((*PLAIN, "missing", "transfer_to_other", "transfer_to_agent"))
_arguments = st.sampled_from(['{"a": 1}', '{"a": 2}', '{"a": "x"}', "{", "{}"])
_ids = st.sampled_from(["a", "b", "c"])
_calls = st.builds(ToolCall, id=_ids, name=_names, arguments=_arguments)
_limits = st.builds(
    Limits,
    steps=st.sampled_from([50, 50, 1, 2]),
    tool_calls=st.sampled_from([None, None, 1, 3]),
    repeats=st.sampled_from([None, None, 1]),
    tokens=st.sampled_from([None, None, 20]),
)
programs = st.builds(
    Program,
    steps=st.lists(st.lists(_calls, max_size=3).map(tuple), max_size=4)
    .map(lambda steps: [step for step in steps if step])
    .map(tuple),
    ending=st.sampled_from(["answers", "answers", "fails"]),
    person=st.sampled_from(["yes", "no", "away"]),
    limits=_limits,
    stop_after=st.none() | st.integers(1, 12),
)
