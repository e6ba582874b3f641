"""What an answer did when it was tried, and the checks that judge it.

A check looks at behaviour: how many cases came out right, which tools were really called, what a
trace holds. It never looks at the wording of an answer file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentlab.events import RunFailed, StoredEvent, ToolFinished, ToolStarted
from agentlab.labs.answers import Answer
from agentlab.messages import Message, ToolCall, ToolResult, Usage, Value


@dataclass(frozen=True)
class Case:
    """One question, and what is known about its answer (never shown to the model)."""

    input: str
    expect: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    title: str = ""
    """What this case tries, in words, where `input` is code that a learner need not read."""


@dataclass(frozen=True)
class CaseRun:
    """How an agent dealt with one case: the events of its run."""

    case: Case
    run: str
    events: tuple[StoredEvent, ...]
    messages: tuple[Message, ...]
    """The conversation without the instructions and examples it opened with."""
    usage: Usage
    output: str
    """The final answer; empty if there is none."""

    @property
    def calls(self) -> tuple[tuple[ToolCall, ToolResult], ...]:
        """Every call that a tool really worked on, with what it returned."""
        begun = {e.call.id: e.call for e in self.events if isinstance(e, ToolStarted)}
        done = (e.result for e in self.events if isinstance(e, ToolFinished))
        return tuple((begun[r.call_id], r) for r in done if r.call_id in begun)

    @property
    def failure(self) -> str | None:
        """Why the run failed, if it did."""
        last = self.events[-1] if self.events else None
        return last.message if isinstance(last, RunFailed) else None


@dataclass(frozen=True)
class Attempt:
    """An answer, and what it did on every case it was tried on so far."""

    answer: Answer
    runs: tuple[CaseRun, ...] = ()
    to_come: int = 0
    """How many cases are still to be run."""


class Verdict(Value):
    """What a check found, in words a learner can use."""

    passed: bool
    reason: str


@dataclass(frozen=True)
class Check:
    """One thing that must hold of an attempt.

    Attributes:
        says: what must hold, as the learner reads it.
        judge: looks at the attempt and says whether it holds, and why.
        early: `judge` may be asked while cases are still to come. Then it fails what no further
            case can mend, and passes everything else.
    """

    id: str
    says: str
    judge: Callable[[Attempt], Verdict]
    early: bool = False
