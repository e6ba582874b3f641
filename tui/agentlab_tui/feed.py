"""What the engine has to tell, kept until the screen comes for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from agentlab.backend import BackendIdentity, ReasoningDelta, TextDelta, ToolCallDelta
from agentlab.events import Event, ToolOutput

T = TypeVar("T")


@dataclass(frozen=True)
class Opened:
    """The model is there."""

    model: BackendIdentity


@dataclass(frozen=True)
class Ended:
    """Nothing more will come. `problem` says in one line what went wrong, if anything did."""

    how: Literal["done", "stopped", "broken"]
    problem: str = ""


@dataclass(frozen=True)
class Noted:
    """Something went wrong beside the run, which itself goes on."""

    problem: str


class Feed(Generic[T]):
    """Filled by one thread and emptied by another; neither waits."""

    def __init__(self) -> None:
        self._waiting: deque[T] = deque()

    def put(self, item: T) -> None:
        """Tell something."""
        self._waiting.append(item)

    def take(self) -> list[T]:
        """All that was told since the last time."""
        items: list[T] = []
        while self._waiting:
            items.append(self._waiting.popleft())
        return items


def joined(before: Event, event: Event) -> Event | None:
    """Two pieces that belong together as one, so that a fast model costs few repaints."""
    match before, event:
        case TextDelta(text=first), TextDelta(text=second):
            return TextDelta(text=first + second)
        case ReasoningDelta(text=first), ReasoningDelta(text=second):
            return ReasoningDelta(text=first + second)
        case ToolOutput(call_id=one, text=first), ToolOutput(call_id=other, text=second):
            if one == other:
                return ToolOutput(call_id=one, text=first + second)
        case ToolCallDelta(id=one), ToolCallDelta(id=other) if one == other:
            return before.model_copy(update={"arguments": before.arguments + event.arguments})
        case _:
            pass
    return None
