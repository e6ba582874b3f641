"""Markdown (CommonMark with tables): paragraphs, lists, code and tables under their headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from agentlab_tools.knowledge.ingest.document import SEPARATOR, Block, Document, Shape
from agentlab_tools.knowledge.ingest.load import text_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT = re.compile(r"\A---[ \t]*\n(?P<said>(?:[^\n]*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TITLE = re.compile(r"^title:[ \t]*(\S[^\n]*)$", re.MULTILINE)
_SHAPES: dict[str, Shape] = {"fence": "code", "code_block": "code", "table_open": "table"}


class Headings:
    """The headings above where one reads."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []

    def leave(self, level: int) -> None:
        """Leave the headings that one of this level ends, 1 being the highest."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()

    def enter(self, level: int, text: str) -> None:
        """Pass a heading of this level."""
        self.leave(level)
        if text:
            self._path.append((level, text))

    def __str__(self) -> str:
        return SEPARATOR.join(text for _, text in self._path)


def parse(data: bytes) -> Document:
    """A Markdown file. Front matter is a part of its own, above all headings.

    Raises:
        Unreadable: it is not text.
    """
    text, note = text_of(data)
    front = _FRONT.match(text)
    hidden = front.end() if front else 0
    # blanked out, not cut off: lines keep their numbers
    blocks, title = blocks_of("\n" * text.count("\n", 0, hidden) + text[hidden:])
    shift = hidden - text.count("\n", 0, hidden)
    moved = [Block(b.start + shift, b.end + shift, b.shape, b.heading) for b in blocks]
    if front and (said := front["said"].strip("\n")):
        moved.insert(0, Block(front.start("said"), front.start("said") + len(said)))
        named = _TITLE.search(said)
        title = title or (named[1].strip(" \"'") if named else "")
    return Document(text, "markdown", tuple(moved), title, (note,) if note else ())


def blocks_of(text: str, headings: Headings | None = None) -> tuple[tuple[Block, ...], str]:
    """The parts of a Markdown text, and its first heading. `headings` are those above it.

    A heading with nothing below it is a part itself.
    """
    path = headings or Headings()
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    blocks: list[Block] = []
    bare: Block | None = None
    first, depth = "", 0
    tokens = _parser().parse(text)
    for place, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open":
            heading = _plain(tokens[place + 1])
            level = int(token.tag[1:])
            # one with headings below it is in their path
            blocks += [bare] if bare and level <= depth else []
            depth = level
            path.leave(level)
            bare = _block(text, starts, token.map, "prose", path) if heading else None
            path.enter(level, heading)
            first = first or heading
            continue
        if token.type == "hr" or _is_comment(token):
            continue
        block = _block(text, starts, token.map, _SHAPES.get(token.type, "prose"), path)
        if block.end > block.start:
            blocks.append(block)
            bare = None
    blocks += [bare] if bare else []
    if not blocks and text.strip():  # nothing but comments
        begin = len(text) - len(text.lstrip())
        blocks.append(Block(begin, len(text.rstrip())))
    return tuple(blocks), first


def _block(
    text: str, starts: Sequence[int], lines: Sequence[int], shape: Shape, path: Headings
) -> Block:
    start, end = starts[lines[0]], min(starts[lines[1]], len(text))
    return Block(start, start + len(text[start:end].rstrip()), shape, str(path))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _plain(inline: Token) -> str:
    """A heading's text without its markup."""
    words = "".join(
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in inline.children or ()
    )
    return " ".join(words.split())


def _is_comment(token: Token) -> bool:
    markup = token.content.strip()
    return token.type == "html_block" and markup.startswith("<!--") and markup.endswith("-->")
