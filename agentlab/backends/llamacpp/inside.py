"""Reading the arguments of a call as each family of models writes them, character by character."""

from __future__ import annotations

import ast
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from agentlab.backends.llamacpp.formats import QUOTE, Format, fill
from agentlab.backends.llamacpp.grammar import json_text
from agentlab.backends.llamacpp.kinds import Kinds


class Inside(ABC):
    """Reads what stands between a call's head and its closing mark.

    Attributes:
        done: all of it has come.
        closed: the closing mark has come as well.
        arguments: the arguments as JSON, once they are known; None where they can't be read.
        so_far: everything read, as written.
    """

    def __init__(self) -> None:
        self.done = False
        self.closed = False
        self.arguments: str | None = None
        self.so_far = ""

    def take(self, char: str) -> None:
        """Read one more character."""
        self.so_far += char
        self.read(char)

    @abstractmethod
    def read(self, char: str) -> None:
        """What one more character means; it is in `so_far` already."""


class Json(Inside):
    """A JSON value, to the bracket that closes it."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._in_string = self._escaped = False

    def read(self, char: str) -> None:
        """See `Inside`."""
        if self._in_string:
            if self._escaped:
                self._escaped = False
            elif char == "\\":
                self._escaped = True
            elif char == '"':
                self._in_string = False
        elif char == '"':
            self._in_string = True
        elif char in "{[":
            self._depth += 1
        elif char in "}]":
            self._depth -= 1
            if self._depth <= 0:
                self.arguments, self.done = self.so_far.strip(), True


class _Tagged(Inside):
    """Arguments between tags."""

    def __init__(self, format: Format, tool: str, kinds: Kinds) -> None:
        super().__init__()
        pair = format.pair
        assert pair is not None
        self._tool, self._kinds, self._pair = tool, kinds, pair
        self._end = bare(format.tail + format.close)
        self._lead, self._text, self._rest = _kind_marks(pair)
        self._piece, self._state, self._key = "", "gap", ""
        self._given: dict[str, Any] = {}

    def read(self, char: str) -> None:
        self._piece += char
        match self._state:
            case "gap":
                seen = bare(self._piece)
                if seen.endswith(bare(self._pair.before)):
                    self._piece, self._state = "", "key"
                elif seen.endswith(self._end):
                    self.arguments = json_text(self._given)
                    self.done = self.closed = True
            case "key" if (bare(self._pair.before) + bare(self._piece)).endswith(self._end):
                self.arguments = json_text(self._given)
                self.done = self.closed = True
            case "key" if self._piece.endswith(self._lead):
                self._key = self._piece.removesuffix(self._lead).strip()
                self._piece, self._state = "", "kind" if self._rest else "value"
            case "kind" if self._piece.endswith(self._rest):
                self._is_text = self._piece.removesuffix(self._rest) == self._text
                self._piece, self._state = "", "value"
            case "value":
                end = fill(self._pair.end, key=self._key).strip()
                if self._piece.endswith(end):
                    self._add(self._piece.removesuffix(end))
                    self._piece, self._state = "", "gap"
            case _:
                pass

    def _add(self, text: str) -> None:
        if self._pair.after.endswith("\n"):
            text = text.removeprefix("\n")
        if self._pair.end.startswith("\n"):
            text = text.removesuffix("\n")
        if text.startswith("<![CDATA[") and text.endswith("]]>"):
            text = text[9:-3]
        if self._rest:
            value: Any = text if self._is_text else self._kinds.value("", "", text)
        else:
            value = self._kinds.value(self._tool, self._key, text)
        self._given[self._key] = value

    _is_text = True


class _Python(Inside):
    """Keyword arguments as Python writes them, to the closing bracket."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 1
        self._quote = ""
        self._escaped = False
        self._code = ""

    def read(self, char: str) -> None:
        # a line that ends inside a string is no Python, and meant all the same
        self._code += "\\n" if self._quote and char == "\n" else char
        if self._quote:
            if self._escaped:
                self._escaped = False
            elif char == "\\":
                self._escaped = True
            elif char == self._quote:
                self._quote = ""
        elif char in "\"'":
            self._quote = char
        elif char in "([{":
            self._depth += 1
        elif char in ")]}":
            self._depth -= 1
            if self._depth == 0:
                self.arguments = _from_python(self._code[:-1])
                self.done = True


class _Gemma(Inside):
    """An object with bare keys, to the brace that closes it."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 1
        self._in_string = False

    def read(self, char: str) -> None:
        if self.so_far.endswith(QUOTE):
            self._in_string = not self._in_string
        elif self._in_string:
            pass
        elif char in "{[":
            self._depth += 1
        elif char in "}]":
            self._depth -= 1
            if self._depth == 0:
                self.arguments = from_gemma("{" + self.so_far)
                self.done = True


def inside(format: Format, tool: str, kinds: Kinds) -> Inside:
    """What reads the arguments of a call to this tool, in this format."""
    match format.style:
        case "tagged":
            return _Tagged(format, tool, kinds)
        case "python":
            return _Python()
        case "gemma":
            return _Gemma()
        case _:
            return Json()


def bare(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def _kind_marks(pair: Any) -> tuple[str, str, str]:
    """What ends a key; what says that its value is a string; and what ends that."""
    if not pair.after_other:
        return pair.after.strip() or pair.after, "", ""
    one, other = pair.after, pair.after_other
    lead = 0
    while lead < min(len(one), len(other)) and one[lead] == other[lead]:
        lead += 1
    rest = 0
    while rest < min(len(one), len(other)) - lead and one[-1 - rest] == other[-1 - rest]:
        rest += 1
    return one[:lead], one[lead : len(one) - rest], one[len(one) - rest :]


def _from_python(text: str) -> str | None:
    """Keyword arguments as JSON; None where they can't be read."""
    named = {"true": True, "false": False, "null": None}
    try:
        tree = ast.parse(f"f({text})", mode="eval").body
        assert isinstance(tree, ast.Call)
        if tree.args or any(word.arg is None for word in tree.keywords):
            return None
        arguments = {
            str(word.arg): named[word.value.id]
            if isinstance(word.value, ast.Name) and word.value.id in named
            else _literal(word.value, text)
            for word in tree.keywords
        }
        return json_text(arguments)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        # JSON inside: its true, false and null are no Python
        lines = [0]
        for line in f"f({text})".encode().splitlines(keepends=True):
            lines.append(lines[-1] + len(line))
        data = f"f({text})".encode()
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
        return json.loads(data[start:end])


def from_gemma(text: str) -> str | None:
    """Gemma's way of writing an object as JSON; None where it can't be read."""
    pieces: list[str] = []
    for place, piece in enumerate(text.split(QUOTE)):
        if place % 2:
            pieces.append(json_text(piece))
        else:
            pieces.append(re.sub(r"([{,]\s*)([^\s\"{}\[\],:]+)(\s*:)", r'\1"\2"\3', piece))
    try:
        value: Any = json.loads("".join(pieces))
    except ValueError:
        return None
    return json_text(value) if isinstance(value, Mapping) else None
