"""Folders of run files: real traces, written as AgentLab writes them, under whatever names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agentlab.backend import BackendIdentity, Reply
from agentlab.events import (
    ModelReplied,
    RunFailed,
    RunFinished,
    RunStarted,
    StoredEvent,
    ToolFinished,
    ToolStarted,
)
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.tooling import tool
from agentlab.trace import Record, TraceHeader

End: TypeAlias = Literal["completed", "limit", "failed", "cut", "unborn"]
"""How a run ended: `cut` was killed while it wrote a line, `unborn` before it wrote one."""

_BEGAN = 1_795_525_212.0
_STEP = 1.375


@tool
def search(query: str) -> str:
    """Search the library."""
    return query


@tool
def calculator(expression: str) -> str:
    """Work out a sum."""
    return expression


@dataclass(frozen=True)
class RunFile:
    """One run: its file's name, the tools it called in order, and how it ended."""

    name: str
    calls: tuple[str, ...]
    end: End = "completed"

    @property
    def text(self) -> str:
        """The trace."""
        if self.end == "unborn":
            return ""
        header = TraceHeader(
            run=f"20261124-130012-{len(self.calls):03d}",
            created=_BEGAN,
            agent="clerk",
            backend=BackendIdentity(name="local:smollm2", model="SmolLM2 135M Instruct"),
            tools=(search.spec, calculator.spec),
        )
        events = list(_events(self.calls, self.end))
        records = [
            Record(seq=n, at=_BEGAN + n * _STEP, event=event) for n, event in enumerate(events)
        ]
        lines = [value.model_dump_json() for value in (header, *records)]
        if self.end == "cut":
            lines[-1] = lines[-1][: lines[-1].index('"name"') + 3]
            return "\n".join(lines)
        return "\n".join(lines) + "\n"


def _events(calls: Sequence[str], end: End) -> Iterator[StoredEvent]:
    yield RunStarted(messages=(Message.user("How many are left?"),))
    for number, name in enumerate(calls, 1):
        # a call may speak of calls: inside a text every quote has a backslash before it
        told = '{"query": "who is \\"name\\":\\"search\\"?"}' if name == "search" else '{"n": 7}'
        call = ToolCall(id=f"call_{number}", name=name, arguments=told)
        yield ModelReplied(reply=Reply(message=Message.assistant(call), stop="tool_calls"))
        yield ToolStarted(call=call)
        yield ToolFinished(result=ToolResult(call_id=call.id, content="the outcome: completed"))
    match end:
        case "completed":
            yield RunFinished(outcome=end, output="12 are left")
        case "limit":
            yield RunFinished(outcome=end, output="not completed: the budget was spent")
        case "failed":
            yield RunFailed(error="StreamBroken", message="the connection was lost")
        case "cut":
            yield ToolStarted(call=ToolCall(id="call_0", name="search", arguments="{}"))
        case "unborn":
            pass
