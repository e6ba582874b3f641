"""Whether a model goes in circles: the same calls, with the same answers."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic_core import from_json, to_json

from agentlab.events import Event, ModelReplied, ToolFinished
from agentlab.messages import ToolCall, ToolErrorKind

_Call: TypeAlias = tuple[str, bytes]


class Circles:
    """The calls of a run and what came of them, as its events go by.

    Attributes:
        here: every call of the last reply was made before, and had the same answer then. What a
            tool says anew, such as how far a job is, is no circle.
    """

    def __init__(self) -> None:
        self.here = False
        self._calls: dict[str, _Call] = {}
        self._answers: dict[_Call, tuple[str, ToolErrorKind | None]] = {}

    def apply(self, event: Event) -> None:
        """Take note of an event of the run."""
        if isinstance(event, ModelReplied):
            self._calls = {call.id: _plain(call) for call in event.reply.message.tool_calls}
            self.here = bool(self._calls)
        elif isinstance(event, ToolFinished) and event.result.call_id in self._calls:
            call, result = self._calls[event.result.call_id], event.result
            answer = (result.content, result.error)
            self.here = self.here and self._answers.get(call) == answer
            self._answers[call] = answer


def _plain(call: ToolCall) -> _Call:
    """A call, however its arguments were spaced and ordered."""
    try:
        arguments: Any = from_json(call.arguments or "{}")
    except ValueError:
        return call.name, call.arguments.encode()
    if isinstance(arguments, dict):
        arguments = sorted(arguments.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return call.name, to_json(arguments)
