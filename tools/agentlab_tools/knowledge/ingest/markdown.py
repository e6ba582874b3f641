"""Markdown (CommonMark with tables): paragraphs, lists, code and tables under their headings."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from agentlab_tools.knowledge.ingest.document import SEPARATOR, Block, Document, Shape
from agentlab_tools.knowledge.ingest.load import text_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT = re.compile(r"\A---[ \t]*\n(?:[^\n]*\n){0,200}?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_SHAPES: dict[str, Shape] = {"fence": "code", "code_block": "code", "table_open": "table"}


class Headings:
    """The headings above where one reads."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []

    def enter(self, level: int, text: str) -> None:
        """Pass a heading of this level, 1 being the highest."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if text:
            self._path.append((level, text))

    def __str__(self) -> str:
        return SEPARATOR.join(text for _, text in self._path)


def parse(data: bytes) -> Document:
    """A Markdown file. Front matter belongs to no part.

    Raises:
        Unreadable: it is not text.
    """
    text, note = text_of(data)
    front = _FRONT.match(text)
    hidden = front.end() if front else 0
    # blanked out, not cut off: lines keep their numbers
    blocks, title = blocks_of("\n" * text.count("\n", 0, hidden) + text[hidden:])
    shift = hidden - text.count("\n", 0, hidden)
    moved = tuple(Block(b.start + shift, b.end + shift, b.shape, b.heading) for b in blocks)
    return Document(text, "markdown", moved, title, (note,) if note else ())


def blocks_of(text: str, headings: Headings | None = None) -> tuple[tuple[Block, ...], str]:
    """The parts of a Markdown text, and its first heading. `headings` are those above it."""
    path = headings or Headings()
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    blocks: list[Block] = []
    first = ""
    tokens = _parser().parse(text)
    for place, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open":
            heading = _plain(tokens[place + 1])
            path.enter(int(token.tag[1:]), heading)
            first = first or heading
            continue
        if token.type == "hr" or _is_comment(token):
            continue
        start, end = starts[token.map[0]], min(starts[token.map[1]], len(text))
        end = start + len(text[start:end].rstrip())
        if end > start:
            blocks.append(Block(start, end, _SHAPES.get(token.type, "prose"), str(path)))
    if not blocks and text.strip():  # nothing but headings
        begin = len(text) - len(text.lstrip())
        blocks.append(Block(begin, len(text.rstrip())))
    return tuple(blocks), first


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _plain(inline: Token) -> str:
    """A heading's text without its markup."""
    said = "".join(
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in inline.children or ()
    )
    return " ".join(said.split())


def _is_comment(token: Token) -> bool:
    said = token.content.strip()
    return token.type == "html_block" and said.startswith("<!--") and said.endswith("-->")
