"""A run in progress: its transcript, its meter, who speaks, and how long it may go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agentlab.agent.circles import Circles
from agentlab.agent.profile import AgentProfile
from agentlab.agent.transcript import Transcript
from agentlab.approval import Approver
from agentlab.backend import Settings, secrets_of
from agentlab.errors import ConfigError
from agentlab.events import Event, HandedOff, ModelReplied
from agentlab.limits import Meter
from agentlab.messages import ToolResult
from agentlab.tooling.insisting import insisted

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
    secrets: tuple[str, ...] = ()
    """Of every agent that may speak here, and of the runs above."""
    depth: int = 0
    """How many runs it is a part of."""
    made: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    """Results of the calls at work, from the moment they are there: none is lost on the way."""
    transcript: Transcript = field(default_factory=Transcript)
    stopping: bool = False
    _bound: asyncio.Timeout | None = None

    def __post_init__(self) -> None:
        self.asked = self.agent
        """Who was asked: the answer is of its output type, whoever gives it."""
        self.team = self.agent.team()
        self.circles = Circles()
        of_team = (
            secret
            for agent in self.team.values()
            for secret in (*agent.secrets, *secrets_of(agent.backend))
        )
        self.secrets = tuple(dict.fromkeys((*self.secrets, *of_team)))

    def move_on(self, event: Event) -> None:
        """Take an event in."""
        self.transcript.apply(event)
        self.meter.count(event)
        self.circles.apply(event)
        if isinstance(event, ModelReplied):
            self.made.clear()
        if isinstance(event, HandedOff):
            if event.agent not in self.team:
                raise ConfigError(
                    f"the conversation was handed to {event.agent!r}, whom {self.asked.name!r} "
                    f"does not know; its team: {', '.join(self.team)}"
                )
            self.agent = self.team[event.agent]

    @property
    def settings(self) -> Settings:
        """How to sample the next reply.

        A model that owes a typed answer and goes in circles is to answer: small ones would make
        the same call until a limit ends the run.
        """
        if self.meter.steps == 0:
            return self.agent.settings
        later = self.agent.later_settings
        if self.circles.here and self.asked.output_schema is not None:
            return later.model_copy(update={"tool_choice": "none"})
        return later

    def unanswered(self, why: str) -> list[ToolResult]:
        """A result for every call that waits for one: its own if it is there, or `why` not."""
        return [
            self.made.get(call.id) or ToolResult(call_id=call.id, content=why, error="cancelled")
            for call in self.transcript.waiting
        ]

    def stop(self) -> None:
        """Interrupt whatever the run waits for, and let it end as cancelled. Not thread-safe."""
        self.stopping = True
        if self._bound is not None and not self._bound.expired():
            self._bound.reschedule(0)

    async def in_time(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Begin something and await it, but no longer than the run may last.

        Raises:
            TimeIsUp: the deadline came, or `stop` was called, first.
        """
        deadline = self.meter.deadline
        left = None if deadline is None else deadline - time.monotonic()
        if self.stopping or (left is not None and left <= 0):
            raise TimeIsUp
        bound = asyncio.timeout(left)
        try:
            async with bound:
                self._bound = bound
                return await insisted(begin())
        except TimeoutError:
            if bound.expired():
                raise TimeIsUp from None
            raise
        finally:
            self._bound = None
