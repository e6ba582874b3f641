"""An answer while it comes in: pieces in, deltas out, and the parts they make at the end.

Parts stand in the order in which they began, so text before, between and after tool calls stays
where it was. All hosted protocols share this; what differs is how they name the pieces.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import cast

from agentlab.backend import Delta, ReasoningDelta, Stop, TextDelta, ToolCallDelta
from agentlab.backends.asked import Asked
from agentlab.backends.stop_text import StopText
from agentlab.errors import StreamBroken
from agentlab.messages import Part, Reasoning, Text, ToolCall, clean


@dataclass
class _Text:
    pieces: list[str] = field(default_factory=list[str])


@dataclass
class _Reasoning:
    pieces: list[str] = field(default_factory=list[str])
    signature: str | None = None


@dataclass(eq=False)
class _Call:
    id: str
    name: str
    pieces: list[str] = field(default_factory=list[str])
    is_answer: bool = False
    told: bool = False
    """Whether its name has been handed out."""


class Draft:
    """The parts of one answer.

    Args:
        answer_tool: a call to this tool is the typed output: it counts as text.
        quiet: hand out no text deltas, for text that can only be shown once it is whole.
        stops: texts before which the answer ends. A service may have passed over them: then what
            it says from there on is left out.
    """

    def __init__(
        self,
        answer_tool: str | None = None,
        *,
        quiet: bool = False,
        stops: Sequence[str] = (),
    ) -> None:
        self._answer_tool = answer_tool
        self._quiet = quiet
        self._parts: list[_Text | _Reasoning | _Call] = []
        self._calls: dict[Hashable, _Call] = {}
        self._halves: dict[Hashable, str] = {}
        self._ids: set[str] = set()
        self._stop = StopText(stops) if stops else None

    def text(self, text: str) -> list[Delta]:
        """More text."""
        text = self._whole("text", text)
        return self._said(self._stop.feed(text) if self._stop else text)

    def _said(self, text: str) -> list[Delta]:
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
        text = self._whole("reasoning", text)
        if not text or self.stopped:
            return []
        released = self._released()
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Reasoning) or last.signature is not None:
            last = _Reasoning()
            self._parts.append(last)
        last.pieces.append(text)
        return [*released, ReasoningDelta(text=text)]

    def sign(self, signature: str) -> None:
        """The signature of the reasoning before it, or of reasoning that is kept from us."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Reasoning) or last.signature is not None:
            last = _Reasoning()
            self._parts.append(last)
        last.signature = signature

    def call(self, key: Hashable, id: str, name: str) -> list[Delta]:
        """A tool call begins. `key` is how the protocol refers to it from here on.

        It is handed out with its first arguments, or by `name_calls`, for a name may come in
        pieces. An id that another call of the answer has is made one of its own.
        """
        number, own = 1, id
        while own in self._ids:
            number, own = number + 1, f"{id}_{number + 1}"
        released = self._released()
        call = _Call(id=own, name=name, told=self.stopped)
        self._calls[key] = call
        if not self.stopped:
            self._ids.add(own)
            self._parts.append(call)
        return released

    def name(self, key: Hashable, name: str) -> None:
        """More of a call's name, as long as nothing of the call was handed out.

        Some services say the whole name with every piece: then it adds nothing.
        """
        call = self._calls[key]
        if not call.told and not call.pieces and name != call.name:
            call.name += name

    def name_calls(self) -> list[Delta]:
        """The calls that have begun and were not handed out: their names are whole."""
        return [delta for call in self._calls.values() for delta in self._told(call)]

    def _told(self, call: _Call) -> list[Delta]:
        if call.told:
            return []
        call.told, call.is_answer = True, call.name == self._answer_tool
        return [] if call.is_answer else [ToolCallDelta(id=call.id, name=call.name)]

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
            raise StreamBroken("the answer continues a tool call that it never began")
        text = self._whole(("call", key), text)
        if not text:
            return []
        deltas = self._told(call)
        call.pieces.append(text)
        if self.stopped and call not in self._parts:
            return []
        if call.is_answer:
            return [*deltas, TextDelta(text=text)]
        return [*deltas, ToolCallDelta(id=call.id, name=call.name, arguments=text)]

    def finish(self) -> list[Delta]:
        """What was held back in case more came."""
        return [*self._released(), *self.name_calls()]

    def _released(self) -> list[Delta]:
        """Text that might have been the beginning of a stop."""
        return self._said(self._stop.finish()) if self._stop else []

    @property
    def stopped(self) -> bool:
        """Whether a text came before which the answer ends."""
        return self._stop is not None and self._stop.found

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said yet."""
        return not self._parts

    def arguments_so_far(self, key: Hashable) -> str:
        """What a call's arguments add up to."""
        call = self._calls.get(key)
        return "".join(call.pieces) if call else ""

    @property
    def has_calls(self) -> bool:
        """Whether a tool (other than the answer's) is called."""
        calls = (part for part in self._parts if isinstance(part, _Call))
        return any(call.name != self._answer_tool for call in calls)

    @property
    def stop_of_calls(self) -> Stop:
        """The stop of a reply that ends to call a tool.

        Raises:
            StreamBroken: no call came, so something of the answer is missing.
        """
        if not self._calls:
            raise StreamBroken("the answer says that it calls a tool, and holds no call")
        return "tool_calls" if self.has_calls else "end"

    def parts(self) -> tuple[Part, ...]:
        """What came in, as the parts of a message."""
        for call in self._calls.values():
            self._told(call)
        self._mark_halves()
        return tuple(map(_finished, self._parts))

    def _mark_halves(self) -> None:
        """Put a mark where the other half of a character never came."""
        for key in [*self._halves]:
            del self._halves[key]
            mark = "\N{REPLACEMENT CHARACTER}"
            if key == "text":
                self.text(mark)
            elif key == "reasoning":
                self.reasoning(mark)
            elif isinstance(key, tuple):
                self.arguments(cast(tuple[str, Hashable], key)[1], mark)

    def _whole(self, key: Hashable, text: str) -> str:
        """The text up to its last whole character.

        A service may cut a character in two: half of a surrogate pair in one event, the other half
        in the next.
        """
        text = self._halves.pop(key, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._halves[key] = text[-1]
            text = text[:-1]
        return clean(text)


def draft_for(asked: Asked) -> Draft:
    """The draft of the answer to what was asked."""
    quiet = asked.mode == "prompt"
    return Draft(asked.answer_tool, quiet=quiet, stops=asked.settings.stop)


def _finished(part: _Text | _Reasoning | _Call) -> Part:
    text = "".join(part.pieces)
    match part:
        case _Reasoning(signature=signature):
            return Reasoning(text=text, signature=signature)
        case _Call(id=id, name=name, is_answer=False):
            return ToolCall(id=id, name=name, arguments=text or "{}")
        case _:
            return Text(text=text)
