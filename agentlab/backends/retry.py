"""When to ask a service again, as a value.

    RetryPolicy()                        five attempts, half a second and up, two minutes in all
    RetryPolicy(attempts=1)              never
    RetryPolicy(longest=5, budget=10)    for someone who waits in front of a screen

Asking a model again changes nothing in the world, so every request may be repeated, but only until
the first piece of its answer has been handed on: what was shown can't be taken back. A service that
says how long to wait (`Retry-After`) is obeyed; where the wait is longer than the budget, the error
is raised at once rather than at the end of a wait in vain.
"""

from __future__ import annotations

from pydantic import Field

from agentlab.errors import AgentLabError, RateLimited, ServiceUnavailable, StreamBroken
from agentlab.messages import Value

RETRYABLE = (RateLimited, ServiceUnavailable, StreamBroken)
"""Errors that may be gone the next time: 429, 5xx, no connection, too slow, a broken answer."""


class RetryPolicy(Value):
    """How often, and how long to wait before each attempt. Times are in seconds."""

    attempts: int = Field(default=5, ge=1)
    """The first try included."""
    first: float = Field(default=0.5, ge=0)
    """The wait before the second attempt; it grows by `factor` with each one after."""
    factor: float = Field(default=2.0, ge=1)
    longest: float = Field(default=30.0, ge=0)
    jitter: float = Field(default=0.5, ge=0, le=1)
    """The share of a wait that is left to chance, so that many agents do not come back at once."""
    budget: float = Field(default=120.0, ge=0)
    """How long all waits of one request may take together."""

    def pause(
        self, attempt: int, error: AgentLabError, waited: float, chance: float
    ) -> float | None:
        """How long to wait before the next attempt; None to give up.

        Args:
            attempt: how many have failed, from 1.
            error: what the last one ended in.
            waited: seconds waited between attempts so far.
            chance: a random number from 0 to 1.
        """
        if attempt >= self.attempts or not isinstance(error, RETRYABLE):
            return None
        pause = min(self.longest, self.first * self.factor ** (attempt - 1))
        pause *= 1 - self.jitter * chance
        demanded = None if isinstance(error, StreamBroken) else error.retry_after
        if demanded is not None:
            # later than asked by a little, never earlier
            pause = demanded + self.first * self.jitter * chance
        return pause if waited + pause <= self.budget else None
