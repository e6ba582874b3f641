"""Tables in text (CSV, TSV): every row with the names of its columns, on the line it has."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from agentlab_tools.knowledge.ingest.document import Block, Document, Unreadable
from agentlab_tools.knowledge.ingest.load import text_of

_DELIMITERS = ",;\t|"
_SAMPLE = 16_384


def parse(data: bytes) -> Document:
    """A file of rows, the first of which names the columns: `name: Ada; born: 1815`.

    Raises:
        Unreadable: it is not text, or not a table.
    """
    csv.field_size_limit(
        max(csv.field_size_limit(), len(data))
    )  # a cell is no longer than its file
    text, note = text_of(data, longest_line=None)
    rows = csv.reader((line + "\n" for line in text.split("\n")), _dialect(text[:_SAMPLE]))
    parts: list[str] = []
    blocks: list[Block] = []
    names: list[str] = []
    size = line = 0
    try:
        for row in rows:
            cells = [" ".join(cell.split()) for cell in row]
            if not any(cells):
                said = ""
            elif not names:
                names = cells
                said = "; ".join(cells)
            else:
                said = named(cells, names)
                blocks.append(Block(size, size + len(said), "table"))
            # a row with line breaks in it takes several lines of the file, so it does here
            written = said + "\n" * max(1, rows.line_num - line)
            line = rows.line_num
            parts.append(written)
            size += len(written)
    except csv.Error as error:
        raise Unreadable(f"not a table: line {rows.line_num}: {error}") from None
    if not blocks:
        raise Unreadable("a table without rows")
    return Document("".join(parts), "table", tuple(blocks), notes=(note,) if note else ())


def named(cells: Sequence[str], names: Sequence[str]) -> str:
    """A row in words: each cell that holds something, with the name of its column."""
    return "; ".join(
        f"{names[i] if i < len(names) and names[i] else f'column {i + 1}'}: {cell}"
        for i, cell in enumerate(cells)
        if cell
    )


def _dialect(sample: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(sample, _DELIMITERS)
    except csv.Error:
        return csv.excel
