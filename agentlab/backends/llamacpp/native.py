"""Reading a call that is no plain JSON object, character by character.

Readers have the shape of `CallReader`: `take` until `done`, then `result`. What the marks are is
the format's; white space around marks counts for nothing, as models are not exact about it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agentlab.backend import ToolSpec
from agentlab.backends.llamacpp.formats import (
    ID,
    INDEX,
    NAME,
    QUOTE,
    Format,
    fill,
    split_slots,
)
from agentlab.backends.llamacpp.grammar import json_text
from agentlab.messages import ToolCall

_SLOT = {NAME: r"(?P<name>[^\s<>\[\]{}()\"]+?)", ID: r"[^\s<\[]*?", INDEX: r"\d*?"}


class Kinds:
    """Which arguments of which tools are strings: tagged text does not tell."""

    def __init__(self, tools: Sequence[ToolSpec] = ()) -> None:
        self._schemas = {tool.name: tool.parameters for tool in tools}

    def value(self, tool: str, key: str, text: str) -> Any:
        """What a tagged argument means."""
        kinds = self._kinds(tool, key)
        if kinds == {"string"}:
            return text
        try:
            value: Any = json.loads(text)
        except ValueError:
            if not kinds or "string" in kinds:
                return text
            return _leniently(text)
        if "string" in kinds and not (value is None and "null" in kinds):
            others = kinds - {"string", "null"}
            return value if others and not isinstance(value, str) else text
        return value

    def _kinds(self, tool: str, key: str) -> set[str]:
        root: Any = self._schemas.get(tool, {})
        return kinds_of(root.get("properties", {}).get(key), root)


def _leniently(text: str) -> Any:
    """A value that is no JSON and no text either: as Python writes it, or as a list of items."""
    items = re.findall(r"<item>(.*?)(?:\]<\]minimax\[>\[)?</item>", text, re.DOTALL)
    if items:
        return items
    try:
        value: Any = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return text
    return value


def kinds_of(schema: Any, root: Any, depth: int = 0) -> set[str]:
    """The JSON types a schema allows, as far as it says; empty where it does not."""
    if not isinstance(schema, dict) or depth > 8:
        return set()
    told = cast(dict[str, Any], schema)
    ref = told.get("$ref")
    if isinstance(ref, str) and ref.startswith("#"):
        target: Any = root
        for step in ref.split("/")[1:]:
            target = cast(dict[str, Any], target).get(step) if isinstance(target, dict) else None
        return kinds_of(target, root, depth + 1)
    kind = told.get("type")
    if isinstance(kind, str):
        return {kind}
    if isinstance(kind, list):
        return set(cast(list[str], kind))
    values: list[Any] = told.get("enum") or ([told["const"]] if "const" in told else [])
    if values:
        return {_kind(value) for value in values}
    options = [*told.get("anyOf", ()), *told.get("oneOf", ())]
    return {kind for option in options for kind in kinds_of(option, root, depth + 1)}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


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
        self._reading: _Inside | None = None

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
        found = self._head.fullmatch(self._piece)
        if found is not None:
            name = self.name = str(found["name"])
            self._reading = _inside(self._format, name, self._kinds)
            for held in self._piece[found.end("head") :]:
                if not self.done:
                    self._reading.take(held)
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
        self._json = _Json()
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


class _Inside:
    """Reads what stands between a call's head and its closing mark."""

    def __init__(self) -> None:
        self.done = False
        self.closed = False
        self.arguments: str | None = None
        self.so_far = ""

    def take(self, char: str) -> None:
        self.so_far += char
        self.read(char)

    def read(self, char: str) -> None:
        raise NotImplementedError


class _Json(_Inside):
    """A JSON value, to the bracket that closes it."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._in_string = self._escaped = False

    def read(self, char: str) -> None:
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


class _Tagged(_Inside):
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


class _Python(_Inside):
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


class _Gemma(_Inside):
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


def _inside(format: Format, tool: str, kinds: Kinds) -> _Inside:
    match format.style:
        case "tagged":
            return _Tagged(format, tool, kinds)
        case "python":
            return _Python()
        case "gemma":
            return _Gemma()
        case _:
            return _Json()


def bare(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


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
        given = {
            str(word.arg): named[word.value.id]
            if isinstance(word.value, ast.Name) and word.value.id in named
            else _literal(word.value, text)
            for word in tree.keywords
        }
        return json_text(given)
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
