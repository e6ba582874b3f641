"""A run in progress: its transcript, its meter, who speaks, and how long it may go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agentlab.approval import Approver
from agentlab.events import Event, HandedOff
from agentlab.limits import Meter
from agentlab.messages import ToolResult
from agentlab.profile import AgentProfile
from agentlab.transcript import Transcript

T = TypeVar("T")


class TimeIsUp(Exception):
    """The run reached its deadline, or was told to stop."""


@dataclass
class RunState:
    """What the loop works on. Only events move it on."""

    id: str
    agent: AgentProfile[Any]
    """Who speaks now; a hand-off changes it."""
    meter: Meter
    approver: Approver | None = None
    deps: Any = None
    workspace: Path | None = None
    transcript: Transcript = field(default_factory=Transcript)
    stopping: bool = False
    _bound: asyncio.Timeout | None = None

    def __post_init__(self) -> None:
        self.team = self.agent.team()

    def move_on(self, event: Event) -> None:
        """Take an event in."""
        self.transcript.apply(event)
        self.meter.count(event)
        if isinstance(event, HandedOff):
            self.agent = self.team[event.agent]

    def unanswered(self, why: str) -> list[ToolResult]:
        """A result for every call that waits for one and will get none."""
        return [
            ToolResult(call_id=call.id, content=why, error="cancelled")
            for call in self.transcript.waiting
        ]

    def stop(self) -> None:
        """Interrupt whatever the run waits for, and let it end as cancelled. Not thread-safe."""
        self.stopping = True
        if self._bound is not None:
            self._bound.reschedule(0)

    async def in_time(self, what: Awaitable[T]) -> T:
        """Await, but no longer than the run may last.

        Raises:
            TimeIsUp: the deadline came, or `stop` was called, first.
        """
        deadline = self.meter.deadline
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        bound = asyncio.timeout(0 if self.stopping else left)
        try:
            async with bound:
                self._bound = bound
                return await what
        except TimeoutError:
            if bound.expired():
                raise TimeIsUp from None
            raise
        finally:
            self._bound = None
