"""The state of a run: the fold of its events, and nothing else.

The loop and everything that loads a trace build it by the same `apply`, so a run that is resumed
stands exactly where the run that was interrupted stood.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from agentlab.approval import Decision
from agentlab.backend import Stop
from agentlab.events import (
    ApprovalGiven,
    Event,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    ToolFinished,
    ToolStarted,
)
from agentlab.messages import Message, ToolCall, ToolResult


@dataclass
class Transcript:
    """Messages so far, and the calls of the last reply that still wait for a result."""

    messages: list[Message] = field(default_factory=list[Message])
    calls: dict[str, ToolCall] = field(default_factory=dict[str, ToolCall])
    results: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    decisions: dict[str, Decision] = field(default_factory=dict[str, Decision])
    begun: set[str] = field(default_factory=set[str])
    agent: str | None = None
    """Who speaks, if the conversation was handed over."""
    stop: Stop | None = None
    """Why the last reply ended."""
    limit: LimitReached | None = None
    end: RunFinished | RunFailed | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> Self:
        """The state after these events."""
        transcript = cls()
        for event in events:
            transcript.apply(event)
        return transcript

    @property
    def waiting(self) -> list[ToolCall]:
        """Calls without a result yet, in the model's order."""
        return [call for id, call in self.calls.items() if id not in self.results]

    def apply(self, event: Event) -> None:
        """Move on by one event."""
        match event:
            case RunStarted(messages=messages):
                self.messages.extend(messages)
            case ModelReplied(reply=reply):
                self.messages.append(reply.message)
                self.stop = reply.stop
                self.calls = {call.id: call for call in reply.message.tool_calls}
                self.results, self.decisions, self.begun = {}, {}, set()
            case MessageAdded(message=message):
                self.messages.append(message)
            case ApprovalGiven(call_id=call_id, verdict=verdict, reason=reason):
                self.decisions[call_id] = Decision(verdict=verdict, reason=reason)
            case ToolStarted(call=call):
                self.begun.add(call.id)
            case ToolFinished(result=result):
                self.results[result.call_id] = result
                if self.calls and not self.waiting:
                    self.messages.append(Message.results(self.results[id] for id in self.calls))
                    self.calls = {}
            case HandedOff(agent=agent, instructions=instructions):
                self.agent = agent
                instructed = bool(self.messages) and self.messages[0].role == "system"
                rest = self.messages[1:] if instructed else self.messages
                own = [Message.system(instructions)] if instructions else []
                # A new list: backends may keep work done for the old one
                self.messages = [*own, *rest]
            case LimitReached():
                self.limit = event
            case RunFinished() | RunFailed():
                self.end = event
            case RunResumed():
                self.end = self.limit = None
            case _:
                pass
