"""Text that comes paragraph by paragraph: put together to a document with headings and parts.

    flow = Flow()
    flow.heading(1, "Growth")
    flow.paragraph("It grew.")
    flow.item("by a third")
    document = flow.document("word")

Items that follow each other are one part, as are the rows of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentlab_tools.knowledge.ingest.document import Block, Builder, Document, Shape, Unreadable
from agentlab_tools.knowledge.ingest.markdown import Headings

MOST_CHARS = 20_000_000


class Flow:
    """Collects a document's paragraphs.

    Attributes:
        page: the page, or slide, that what comes next is on.
    """

    def __init__(self) -> None:
        self.page: int | None = None
        self._builder = Builder()
        self._headings = Headings()
        self._items: list[str] = []
        self._bare: Block | None = None
        self._depth = 0
        self._seen: set[str] = set()

    def heading(self, level: int, text: str) -> None:
        """Pass a heading; 1 is the highest level. One with nothing below it is a part itself."""
        said = one_line(text)
        if said:
            self._end_items()
            if level <= self._depth:  # one with headings below it is in their path
                self._keep_bare()
            self._depth = level
            self._headings.leave(level)
            above = str(self._headings)
            start = self._builder.write(said)
            self._bare = Block(start, start + len(said), "prose", above, self.page)
            self._builder.write("\n\n")
            self._headings.enter(level, said)

    def top(self) -> None:
        """Leave all headings."""
        self._end_items()
        self._keep_bare()
        self._headings = Headings()

    def paragraph(self, text: str, shape: Shape = "prose") -> None:
        """Add a paragraph; lines in it stay lines."""
        self._end_items()
        self._block("\n".join(line.rstrip() for line in text.strip("\n").split("\n")), shape)

    def item(self, text: str, depth: int = 0) -> None:
        """Add an item of a list."""
        said = one_line(text)
        if said:
            self._items.append(f"{'  ' * min(depth, 8)}- {said}")

    def rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Add a table, a row a line."""
        self._end_items()
        lines = [" | ".join(one_line(cell) for cell in row).strip() for row in rows]
        self._block("\n".join(line for line in lines if line.strip(" |")), "table")

    def once(self, text: str) -> None:
        """Add a paragraph that pages repeat (a header, a footer), the first time it is met."""
        said = one_line(text)
        if said not in self._seen:
            self._seen.add(said)
            self.paragraph(said)

    def document(self, kind: str, title: str = "", notes: Sequence[str] = ()) -> Document:
        """All of it.

        Raises:
            Unreadable: it is longer than a bound.
        """
        self.top()
        blocks = tuple(self._builder.blocks)
        return Document(self._builder.text(), kind, blocks, one_line(title), tuple(notes))

    def _end_items(self) -> None:
        items, self._items = self._items, []
        if items:
            self._block("\n".join(items), "prose")

    def _keep_bare(self) -> None:
        if self._bare is not None:
            self._builder.blocks.append(self._bare)
        self._bare = None

    def _block(self, text: str, shape: Shape) -> None:
        if not text.strip():
            return
        self._bare = None
        self._builder.block(text, shape, str(self._headings), self.page)
        if self._builder.size > MOST_CHARS:
            raise Unreadable(f"more than {MOST_CHARS:,} characters of text")


def one_line(text: str) -> str:
    """The text with every run of blanks as one."""
    return " ".join(text.split())
