"""Budgets as values. A run that reaches one ends cleanly, with what it has by then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import Field

from agentlab.events import Event, LimitReached, ModelReplied, ToolStarted
from agentlab.messages import ToolCall, Usage, Value


class Limits(Value):
    """What one run may spend; None means no bound.

    Tokens, cost and seconds include those of agents that the run calls as tools.
    """

    steps: int | None = Field(default=50, gt=0)
    """Model replies."""
    tokens: int | None = Field(default=None, gt=0)
    """Input and output tokens, summed over all replies."""
    seconds: float | None = Field(default=None, gt=0)
    """Wall-clock time. It also interrupts a reply or a tool that is under way."""
    tool_calls: int | None = Field(default=None, ge=0)
    """A reply that would go beyond this ends the run before any of its calls is made."""
    cost: float | None = Field(default=None, ge=0)
    """US dollars, as far as prices are known; 0 allows what is free."""
    repeats: int | None = Field(default=None, gt=0)
    """How often in a row the model may ask for the very same call: small ones go in circles."""


@dataclass
class Meter:
    """What a run has spent, counted from its events."""

    limits: Limits
    parent: Meter | None = None
    steps: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    deadline: float | None = None
    """On the clock of `time.monotonic`; None before `start`, or without a bound."""
    seconds: float = 0.0
    """What the deadline allowed."""
    _last: tuple[str, str] = ("", "")
    _repeats: int = 0
    _most: int = 0

    def start(self) -> None:
        """Start the clock; where a run above ends sooner, that run's time is this one's."""
        ends: list[tuple[float, float]] = []
        if self.limits.seconds is not None:
            ends.append((time.monotonic() + self.limits.seconds, self.limits.seconds))
        if self.parent is not None and self.parent.deadline is not None:
            ends.append((self.parent.deadline, self.parent.seconds))
        self.deadline, self.seconds = min(ends, default=(None, 0.0))

    def count(self, event: Event) -> None:
        """Take note of an event of this run."""
        if isinstance(event, ModelReplied):
            self.steps += 1
            self.charge(event.reply.usage)
            self._most = 0
            for call in event.reply.message.tool_calls:
                self._see(call)
        elif isinstance(event, ToolStarted):
            self.tool_calls += 1

    def charge(self, usage: Usage) -> None:
        """Count tokens and money, here and in every run above."""
        self.usage += usage
        if self.parent:
            self.parent.charge(usage)

    def spent(self) -> LimitReached | None:
        """The budget, of this run or of one above, that forbids another reply, or None."""
        limits = self.limits
        if limits.steps is not None and self.steps >= limits.steps:
            return LimitReached(limit="steps", allowed=limits.steps)
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return self.out_of_time()
        return self._used_up()

    def forbids(self, calls: Sequence[ToolCall]) -> LimitReached | None:
        """The budget that forbids making these calls of the last reply, or None."""
        limits = self.limits
        if limits.tool_calls is not None and self.tool_calls + len(calls) > limits.tool_calls:
            return LimitReached(limit="tool_calls", allowed=limits.tool_calls)
        if limits.repeats is not None and self._most > limits.repeats:
            return LimitReached(limit="repeats", allowed=limits.repeats)
        return None

    def out_of_time(self) -> LimitReached:
        """The event that says time is up, here or in the run above whose time it was."""
        return LimitReached(limit="seconds", allowed=self.seconds)

    def _used_up(self) -> LimitReached | None:
        limits, cost = self.limits, self.usage.cost or 0.0
        if limits.tokens is not None and self.usage.total_tokens >= limits.tokens:
            return LimitReached(limit="tokens", allowed=limits.tokens)
        if limits.cost is not None and cost and cost >= limits.cost:
            return LimitReached(limit="cost", allowed=limits.cost)
        return self.parent._used_up() if self.parent else None

    def _see(self, call: ToolCall) -> None:
        this = (call.name, call.arguments)
        self._repeats = self._repeats + 1 if this == self._last else 1
        self._last, self._most = this, max(self._most, self._repeats)
