"""Regular expressions as grammar: the part of `pattern` that a grammar can hold.

Understood: literals, `.`, classes, `\\d \\w \\s` and their opposites, groups, alternatives, greedy
and lazy repetition, `^` and `$` at the ends. Refused (`Unsupported`): look-around, references back,
flags, word boundaries, anchors in the middle.

The text is the inside of a JSON string, so a quotation mark becomes `\\"`, and so on. Where engines
disagree about a shorthand, only what all agree on is admitted: `\\d` is 0 to 9, and what is not
`\\d` is ASCII.
"""

from __future__ import annotations

import re

from agentlab.backends.llamacpp.gbnf import (
    EMPTY,
    HIGHEST,
    SURROGATES,
    Chars,
    Lit,
    Node,
    Ranges,
    Rep,
    alt,
    chars,
    complement,
    intersection,
    seq,
    union,
)

MOST_REPEATS = 1000
"""Above this llama.cpp's grammar tables grow too large."""

_ESCAPED = {
    **{'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"},
    **{"\b": "\\b", "\f": "\\f"},
}
PLAIN: Ranges = complement(((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F), SURROGATES))
"""Characters that stand for themselves inside a JSON string."""

_ASCII: Ranges = ((0x20, 0x7E),)
_DIGITS: Ranges = chars("0123456789")
_WORD: Ranges = union(((0x41, 0x5A), (0x61, 0x7A)), _DIGITS, chars("_"))
_SPACE: Ranges = chars(" \t\n\r\f")
_SHORTHANDS: dict[str, Ranges] = {
    "d": _DIGITS,
    "w": _WORD,
    "s": _SPACE,
    "D": intersection(_ASCII, complement(_DIGITS)),
    "W": intersection(_ASCII, complement(_WORD)),
    "S": intersection(_ASCII, complement(_SPACE)),
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_DOT: Ranges = complement(chars("\n\r\u2028\u2029\x85"))
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")


class Unsupported(Exception):
    """The expression says something a grammar cannot, or something unclear."""


def string_chars(ranges: Ranges) -> Node:
    """One character of these, as it is written inside a JSON string."""
    plain = intersection(ranges, PLAIN)
    options: list[Node] = [Chars(plain)] if plain else []
    for char, written in _ESCAPED.items():
        if intersection(ranges, chars(char)):
            options.append(Lit(written))
    return alt(options) if options else Chars(())


ANY_CHAR: Node = string_chars(((0, HIGHEST),))


def pattern(expression: str) -> Node:
    """The inside of the JSON strings in which `expression` is found, as JSON Schema means it.

    Raises:
        Unsupported: see the module.
    """
    reader = _Reader(expression)
    node = reader.alternatives(top=True)
    if not reader.done:
        raise Unsupported(expression)
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        if self.done:
            raise Unsupported(self._text)
        self._at += 1
        return self._text[self._at - 1]

    def _taken(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def alternatives(self, *, top: bool) -> Node:
        options = [self._sequence(top=top)]
        while self._taken("|"):
            options.append(self._sequence(top=top))
        return alt(options)

    def _sequence(self, *, top: bool) -> Node:
        rest = Rep(ANY_CHAR, 0, None)
        items: list[Node] = []
        start = top and not self._taken("^")
        end = top
        while not self.done and self._peek() not in "|)":
            if top and self._taken("$"):
                end = False
                if not self.done and self._peek() != "|":
                    raise Unsupported(self._text)
                break
            items.append(self._repeated(self._atom()))
        return seq(rest if start else EMPTY, *items, rest if end else EMPTY)

    def _atom(self) -> Node:
        char = self._take()
        if char == "(":
            if self._taken("?") and not self._taken(":"):
                raise Unsupported(self._text)
            inner = self.alternatives(top=False)
            if not self._taken(")"):
                raise Unsupported(self._text)
            return inner
        if char == "[":
            return self._set()
        if char == ".":
            return string_chars(_DOT)
        if char == "\\":
            return self._of(self._escape())
        if char in "^$*+?{":
            raise Unsupported(self._text)
        return self._of(chars(char))

    def _of(self, ranges: Ranges) -> Node:
        node = string_chars(ranges)
        if node == Chars(()):
            raise Unsupported(self._text)
        return node

    def _repeated(self, item: Node) -> Node:
        if self._taken("*"):
            least, most = 0, None
        elif self._taken("+"):
            least, most = 1, None
        elif self._taken("?"):
            least, most = 0, 1
        elif count := _COUNT.match(self._text, self._at):
            self._at = count.end()
            least = int(count[1])
            most = (int(count[3]) if count[3] else None) if count[2] else least
            if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
                raise Unsupported(self._text)
        else:
            return item
        if self._peek() == "+":
            raise Unsupported(self._text)
        self._taken("?")
        if self._peek() in ("*", "+", "?") or _COUNT.match(self._text, self._at):
            raise Unsupported(self._text)
        return Rep(item, least, most)

    def _escape(self) -> Ranges:
        char = self._take()
        if char in _SHORTHANDS:
            return _SHORTHANDS[char]
        if char in _CONTROLS:
            return chars(_CONTROLS[char])
        if char in "xu":
            digits = self._text[self._at : self._at + (2 if char == "x" else 4)]
            self._at += len(digits)
            if not re.fullmatch("[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}", digits):
                raise Unsupported(self._text)
            return ((int(digits, 16), int(digits, 16)),)
        if char.isalnum():
            raise Unsupported(self._text)
        return chars(char)

    def _set(self) -> Node:
        negated = self._taken("^")
        ranges: Ranges = ()
        shorthand = False
        if self._peek() == "]":
            raise Unsupported(self._text)
        while self._peek() != "]":
            low, single = self._member()
            shorthand = shorthand or not single
            if single and self._peek() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._take()
                high, also = self._member()
                if not also or high[0][0] < low[0][0]:
                    raise Unsupported(self._text)
                low = ((low[0][0], high[0][0]),)
            ranges = union(ranges, low)
        self._take()
        if negated:
            ranges = complement(ranges)
            if shorthand:
                ranges = intersection(ranges, _ASCII)
        return self._of(ranges)

    def _member(self) -> tuple[Ranges, bool]:
        """The next member of a set, and whether it is one single character."""
        char = self._take()
        if char == "[":
            raise Unsupported(self._text)
        ranges = self._escape() if char == "\\" else chars(char)
        return ranges, len(ranges) == 1 and ranges[0][0] == ranges[0][1]
