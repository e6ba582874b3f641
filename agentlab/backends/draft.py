"""An answer while it comes in: pieces in, deltas out, and the parts they make at the end.

Parts stand in the order in which they began, so text before, between and after tool calls stays
where it was. All hosted protocols share this; what differs is how they name the pieces.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from agentlab.backend import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from agentlab.backends.structured import ANSWER, Mode
from agentlab.errors import StreamBroken
from agentlab.messages import Part, Reasoning, Text, ToolCall


@dataclass
class _Text:
    pieces: list[str] = field(default_factory=list[str])


@dataclass
class _Reasoning:
    pieces: list[str] = field(default_factory=list[str])
    signature: str | None = None


@dataclass
class _Call:
    id: str
    name: str
    pieces: list[str] = field(default_factory=list[str])
    is_answer: bool = False


class Draft:
    """The parts of one answer.

    Args:
        answer_tool: a call to this tool is the typed output: it counts as text.
        quiet: hand out no text deltas, for text that can only be shown once it is whole.
    """

    def __init__(self, answer_tool: str | None = None, *, quiet: bool = False) -> None:
        self._answer_tool = answer_tool
        self._quiet = quiet
        self._parts: list[_Text | _Reasoning | _Call] = []
        self._calls: dict[Hashable, _Call] = {}

    def text(self, text: str) -> list[Delta]:
        """More text."""
        if not text:
            return []
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Text):
            last = _Text()
            self._parts.append(last)
        last.pieces.append(text)
        return [] if self._quiet else [TextDelta(text=text)]

    def reasoning(self, text: str) -> list[Delta]:
        """More reasoning; it goes on with the part before it, unless that one is signed."""
        if not text:
            return []
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Reasoning) or last.signature is not None:
            last = _Reasoning()
            self._parts.append(last)
        last.pieces.append(text)
        return [ReasoningDelta(text=text)]

    def sign(self, signature: str) -> None:
        """The signature of the reasoning before it, or of reasoning that is kept from us."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Reasoning) or last.signature is not None:
            last = _Reasoning()
            self._parts.append(last)
        last.signature = signature

    def call(self, key: Hashable, id: str, name: str) -> list[Delta]:
        """A tool call begins. `key` is how the protocol refers to it from here on."""
        call = _Call(id=id, name=name, is_answer=name == self._answer_tool)
        self._calls[key] = call
        self._parts.append(call)
        return [] if call.is_answer else [ToolCallDelta(id=id, name=name)]

    def called(self, key: Hashable) -> str | None:
        """The id of the call under `key`, if it has begun."""
        call = self._calls.get(key)
        return call.id if call else None

    def arguments(self, key: Hashable, text: str) -> list[Delta]:
        """More of a call's arguments.

        Raises:
            StreamBroken: no such call has begun.
        """
        call = self._calls.get(key)
        if call is None:
            raise StreamBroken("the answer goes on with a tool call that it never began")
        if not text:
            return []
        call.pieces.append(text)
        if call.is_answer:
            return [TextDelta(text=text)]
        return [ToolCallDelta(id=call.id, name=call.name, arguments=text)]

    def arguments_so_far(self, key: Hashable) -> str:
        """What a call's arguments add up to."""
        call = self._calls.get(key)
        return "".join(call.pieces) if call else ""

    @property
    def has_calls(self) -> bool:
        """Whether a tool (other than the answer's) is called."""
        return any(not call.is_answer for call in self._calls.values())

    def parts(self) -> tuple[Part, ...]:
        """What came in, as the parts of a message."""
        return tuple(map(_finished, self._parts))


def draft_for(mode: Mode | None) -> Draft:
    """The draft of an answer whose typed output comes in the way `mode`."""
    return Draft(ANSWER if mode == "tool" else None, quiet=mode == "prompt")


def _finished(part: _Text | _Reasoning | _Call) -> Part:
    text = "".join(part.pieces)
    match part:
        case _Reasoning(signature=signature):
            return Reasoning(text=text, signature=signature)
        case _Call(id=id, name=name, is_answer=False):
            return ToolCall(id=id, name=name, arguments=text or "{}")
        case _:
            return Text(text=text)
