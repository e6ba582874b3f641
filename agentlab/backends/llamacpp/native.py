"""Reading a call that is no plain JSON object, character by character.

Readers have the shape of `CallReader`: `take` until `done`, then `result`. What the marks are is
the format's; white space around marks counts for nothing, as models are not exact about it.
"""

from __future__ import annotations

import re

from agentlab.backends.llamacpp.formats import ID, INDEX, NAME, Format, split_slots
from agentlab.backends.llamacpp.inside import Inside, Json, bare, inside
from agentlab.backends.llamacpp.kinds import Kinds
from agentlab.messages import ToolCall

_SLOT = {NAME: r"(?P<name>[^\s<>\[\]{}()\"]+?)", ID: r"[^\s<\[]*?", INDEX: r"\d*?"}


class NativeReader:
    """Reads `head arguments tail`. The closing mark is the parser's, unless it comes too early.

    Args:
        id: of the call.
        format: its marks.
        kinds: of the tools' arguments.
    """

    def __init__(self, id: str, format: Format, kinds: Kinds) -> None:
        self.id = id
        self.name: str | None = None
        self.done = False
        self.closed = False
        self._format = format
        self._kinds = kinds
        self._raw: list[str] = []
        self._piece = ""
        self._head = _pattern(format)
        self._arguments: str | None = None
        self._close = bare(format.tail + format.close) or bare(format.finish)
        self._reading: Inside | None = None

    def take(self, char: str) -> None:
        """Read one more character."""
        self._raw.append(char)
        self._piece += char
        if self._reading is not None:
            self._reading.take(char)
            if self._reading.done:
                self._arguments, self.done = self._reading.arguments, True
                self.closed = self._reading.closed
            return
        head = self._head.fullmatch(self._piece)
        if head is not None:
            name = self.name = str(head["name"])
            self._reading = inside(self._format, name, self._kinds)
            for character in self._piece[head.end("head") :]:
                if not self.done:
                    self._reading.take(character)
                    self.done, self._arguments = self._reading.done, self._reading.arguments
            self.closed = self._reading.closed
        elif self._close and bare(self._piece).endswith(self._close):
            self.closed = self.done = True

    def fresh(self) -> str:
        """Nothing: the arguments are known once they are whole."""
        return ""

    def result(self) -> ToolCall:
        """The call, as far as it could be read."""
        if self.name is None or self._arguments is None:
            raw = self.raw.strip()
            if self.done and self._format.close:
                raw = raw.removesuffix((self._format.tail + self._format.close).strip()).rstrip()
            begun = self._reading.so_far if self._reading else raw
            return ToolCall(id=self.id, name=self.name or "", arguments=begun)
        return ToolCall(id=self.id, name=self.name, arguments=self._arguments or "{}")

    @property
    def raw(self) -> str:
        """Everything read, as written."""
        return "".join(self._raw)

    @property
    def is_call(self) -> bool:
        """Whether what has been read is a call."""
        return self.name is not None


class JsonReader:
    """Reads the arguments of a call whose name is known: one JSON value, handed on as it comes."""

    def __init__(self, id: str, name: str) -> None:
        self.id = id
        self.name: str | None = name
        self.done = False
        self.closed = True
        self._json = Json()
        self._given = 0

    def take(self, char: str) -> None:
        """Read one more character."""
        self._json.take(char)
        self.done = self._json.done

    def fresh(self) -> str:
        """Arguments that have not been handed on yet."""
        whole = self.raw
        fresh, self._given = whole[self._given :], max(self._given, len(whole))
        return fresh

    def result(self) -> ToolCall:
        """The call, as far as it came."""
        return ToolCall(id=self.id, name=self.name or "", arguments=self.raw)

    @property
    def raw(self) -> str:
        """Everything read."""
        return self._json.so_far.strip()

    @property
    def is_call(self) -> bool:
        """It is one."""
        return True


def _pattern(format: Format) -> re.Pattern[str]:
    """What a head looks like, and what of it must have come to be sure of it."""
    if format.style == "harmony":
        return re.compile(r"(?P<head>\s*(?P<name>[\w.-]+)[^{]*?<\|message\|>)", re.DOTALL)
    written = ""
    for piece in split_slots(format.marks):
        if piece == NAME and "(?P<name>" in written:
            written += r"[^\s<>\"]+?"
        else:
            written += _SLOT.get(piece) or r"\s*".join(re.escape(p) for p in _loose(piece))
    ends = format.marks.rstrip()[-1:] not in (NAME, INDEX, ID, "")
    if ends:
        return re.compile(rf"(?P<head>\s*{written}\s*?)", re.DOTALL)
    # a name that nothing closes ends where something else begins
    return re.compile(rf"(?P<head>\s*{written})(?:\s+|[<{{\[])", re.DOTALL)


def _loose(text: str) -> list[str]:
    """Pieces between which white space may differ; the ends count as such places, too."""
    words = text.split()
    return ["", *words, ""] if words else [""]
