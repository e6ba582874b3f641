"""Plain text: paragraphs between empty lines."""

from __future__ import annotations

from collections.abc import Iterator

from agentlab_tools.knowledge.ingest.document import Block, Document
from agentlab_tools.knowledge.ingest.load import text_of


def parse(data: bytes) -> Document:
    """A text file.

    Raises:
        Unreadable: it is not text.
    """
    text, note = text_of(data)
    return Document(text, "text", tuple(paragraphs(text)), notes=(note,) if note else ())


def paragraphs(text: str) -> Iterator[Block]:
    """The paragraphs of a text, without the blanks around them."""
    offset, start, end = 0, -1, 0
    for line in text.split("\n"):
        if line.strip():
            start = offset if start < 0 else start
            end = offset + len(line.rstrip())
        elif start >= 0:
            yield Block(start, end)
            start = -1
        offset += len(line) + 1
    if start >= 0:
        yield Block(start, end)
