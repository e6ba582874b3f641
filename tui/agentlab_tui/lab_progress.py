"""How far one lab has come, as it stands in its file."""

from __future__ import annotations

from typing import Literal, TypeAlias

from agentlab.messages import Value

Mark: TypeAlias = Literal["passed", "seen", "open"]


class LabProgress(Value):
    """How far one lab has come: step ids, with the time in seconds since the epoch."""

    version: int = 1
    passed: dict[str, float] = {}
    seen: dict[str, float] = {}
    """Tried or watched, but not passed with an answer of one's own."""
    last: str | None = None
    """The step to go on with."""

    def mark(self, step: str) -> Mark:
        """How a step stands."""
        return "passed" if step in self.passed else "seen" if step in self.seen else "open"
