"""How far one lab has come, as it stands in its file."""

from __future__ import annotations

from typing import Literal, TypeAlias

from agentlab.messages import Value

Mark: TypeAlias = Literal["passed", "seen", "open"]


class PassedWith(Value):
    """What a step was passed with: enough to show it to others, and to grade it again."""

    answer: str
    """The text that was graded."""
    model: str
    """The name it was opened by, e.g. `local:smollm2`; empty where no model was asked."""
    checks: tuple[tuple[str, str], ...]
    """What each check asks for, and what it found: the numbers that were reached."""


class LabProgress(Value):
    """How far one lab has come: step ids, with the time in seconds since the epoch."""

    version: int = 1
    passed: dict[str, float] = {}
    seen: dict[str, float] = {}
    """Tried or watched, but not passed with an answer of one's own."""
    passed_with: dict[str, PassedWith] = {}
    """Steps passed before this was kept, and steps to be read, have none."""
    last: str | None = None
    """The step to go on with."""

    def mark(self, step: str) -> Mark:
        """How a step stands."""
        return "passed" if step in self.passed else "seen" if step in self.seen else "open"
