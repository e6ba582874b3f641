"""Grammars as values: a small tree, and its text in llama.cpp's GBNF.

    Grammar({"root": seq(lit("{"), Ref("pair"), lit("}")), "pair": …})

A grammar is a mapping from rule names to nodes; `root` is where it starts. Text is matched code
point by code point, so a `Chars` node is one character and never half of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

HIGHEST = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Code points, as sorted ranges that do not touch; both ends belong to a range."""


@dataclass(frozen=True)
class Lit:
    """Exactly this text."""

    text: str


@dataclass(frozen=True)
class Chars:
    """One character out of these ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Seq:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Alt:
    """One of these."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Rep:
    """The same node `least` to `most` times; `most=None` has no end."""

    item: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Ref:
    """The rule of this name."""

    name: str


Node: TypeAlias = Lit | Chars | Seq | Alt | Rep | Ref
EMPTY = Lit("")


def seq(*items: Node) -> Node:
    """These in order, without needless nesting."""
    flat = tuple(
        inner
        for item in items
        for inner in (item.items if isinstance(item, Seq) else (item,))
        if inner != EMPTY
    )
    if not flat:
        return EMPTY
    return flat[0] if len(flat) == 1 else Seq(flat)


def alt(options: Iterable[Node]) -> Node:
    """One of these (at least one), without repeats or needless nesting."""
    flat = dict.fromkeys(
        inner
        for option in options
        for inner in (option.options if isinstance(option, Alt) else (option,))
    )
    return next(iter(flat)) if len(flat) == 1 else Alt(tuple(flat))


def maybe(item: Node) -> Node:
    """The node or nothing."""
    return Rep(item, 0, 1)


def union(*sets: Ranges) -> Ranges:
    """The code points in any of these."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """All code points that are not in these."""
    result: list[tuple[int, int]] = []
    start = 0
    for low, high in union(ranges):
        if start < low:
            result.append((start, low - 1))
        start = high + 1
    if start <= HIGHEST:
        result.append((start, HIGHEST))
    return tuple(result)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    """The code points in both."""
    return complement(union(complement(one), complement(other)))


def chars(text: str) -> Ranges:
    """The characters of `text`, as a set."""
    return union(*(((ord(char), ord(char)),) for char in text))


@dataclass(frozen=True)
class Grammar:
    """Rules by name, starting at `root`."""

    rules: Mapping[str, Node]
    root: str = "root"

    @property
    def text(self) -> str:
        """The grammar in GBNF, as llama.cpp reads it."""
        return "".join(f"{name} ::= {_gbnf(node, 0)}\n" for name, node in self.rules.items())

    def productive(self) -> frozenset[str]:
        """The rules that some finite text matches."""
        known: set[str] = set()
        while True:
            more = {n for n, node in self.rules.items() if n not in known and _ends(node, known)}
            if not more:
                return frozenset(known)
            known |= more


def _ends(node: Node, known: set[str]) -> bool:
    match node:
        case Seq(items):
            return all(_ends(item, known) for item in items)
        case Alt(options):
            return any(_ends(option, known) for option in options)
        case Rep(item, least):
            return least == 0 or _ends(item, known)
        case Ref(name):
            return name in known
        case Chars(ranges):
            return bool(ranges)
        case Lit():
            return True


def _gbnf(node: Node, level: int) -> str:
    # levels: 0 anything, 1 inside a sequence (alternatives need brackets), 2 under a repetition
    match node:
        case Lit(text):
            return '"' + "".join(_escape(char, '"\\') for char in text) + '"'
        case Chars(ranges):
            return "[" + "".join(_span(low, high) for low, high in ranges) + "]"
        case Ref(name):
            return name
        case Seq(items):
            inner = " ".join(_gbnf(item, 1) for item in items)
            return f"({inner})" if level == 2 else inner
        case Alt(options):
            inner = " | ".join(_gbnf(option, 0) for option in options)
            return f"({inner})" if level else inner
        case Rep(item, least, most):
            return _gbnf(item, 2) + _times(least, most)


def _times(least: int, most: int | None) -> str:
    match least, most:
        case 0, 1:
            return "?"
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case _, None:
            return f"{{{least},}}"
        case _:
            return f"{{{least},{most}}}"


def _span(low: int, high: int) -> str:
    ends = [_escape(chr(point), '\\[]^-"') for point in (low, high)]
    return ends[0] if low == high else f"{ends[0]}-{ends[1]}"


def _escape(char: str, special: str) -> str:
    point = ord(char)
    if point < 0x20 or point == 0x7F or (char in special and char not in '"\\[]'):
        return f"\\x{point:02X}"
    if char in special:
        return "\\" + char
    if point < 0x7F:
        return char
    if point <= 0xFFFF:
        return f"\\u{point:04X}"
    return f"\\U{point:08X}"
