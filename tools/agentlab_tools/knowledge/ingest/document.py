"""A file as text with its parts marked: what every parser returns, and chunks are cut from.

A part is a range of characters in `Document.text`, so whatever is cut from it can be quoted word by
word, and its lines counted. For formats that are text (Markdown, code) that is the file's own text;
for others (PDF, HTML, notebooks, tables) it is what their parser made of them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from agentlab.errors import AgentLabError

Shape: TypeAlias = Literal["prose", "code", "table"]
"""How a part is cut where it is too long: by sentences, by lines, by rows."""

SEPARATOR = " > "
"""Between the headings of a path: `Install > Linux`."""


class Unreadable(AgentLabError):
    """A file that can't be indexed; the message says why, without the file's name."""


@dataclass(frozen=True)
class Block:
    """A part that belongs together: a paragraph, a list, a function, a row.

    Attributes:
        start, end: its characters in the document's text, the end not included.
        heading: the path of headings above it.
        page: where the document has pages, from 1.
    """

    start: int
    end: int
    shape: Shape = "prose"
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True)
class Document:
    """A file's text and its parts, in order.

    Attributes:
        text: lines end in a line feed, whatever the file has.
        kind: `markdown`, `text`, `html`, `pdf`, `notebook`, `code` or `table`.
        title: what it calls itself; may be empty.
        notes: what a person should know of the reading, e.g. a page that was left out.
    """

    text: str
    kind: str
    blocks: tuple[Block, ...]
    title: str = ""
    notes: tuple[str, ...] = ()

    def line_of(self, offset: int) -> int:
        """The number of the line a character stands in, from 1."""
        return bisect_right(self._breaks, offset - 1) + 1

    @cached_property
    def _breaks(self) -> list[int]:
        return [i for i, char in enumerate(self.text) if char == "\n"]


class Builder:
    """Writes a document's text part by part."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.size = 0
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        """Append text that belongs to no part; where it starts."""
        start = self.size
        self._parts.append(text)
        self.size += len(text)
        return start

    def block(
        self, text: str, shape: Shape = "prose", heading: str = "", page: int | None = None
    ) -> None:
        """Append a part, and an empty line after it."""
        start = self.write(text)
        if text.strip():
            self.blocks.append(Block(start, self.size, shape, heading, page))
        self.write("\n\n")

    def blocks_of(self, text: str, blocks: tuple[Block, ...], page: int | None = None) -> None:
        """Append a text whose parts are known already, and an empty line after it."""
        shift = self.write(text)
        self.blocks += [
            Block(b.start + shift, b.end + shift, b.shape, b.heading, page) for b in blocks
        ]
        self.write("\n\n")

    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)
