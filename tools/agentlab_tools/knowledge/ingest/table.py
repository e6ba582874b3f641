"""Tables in text (CSV, TSV): every row with the names of its columns, on the line it has."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from agentlab_tools.data.dialect import SAMPLE, dialect_of
from agentlab_tools.knowledge.ingest.document import Block, Document, Unreadable
from agentlab_tools.knowledge.ingest.load import text_of


def parse(data: bytes) -> Document:
    """A file of rows, the first of which names the columns: `name: Ada; born: 1815`.

    Raises:
        Unreadable: it is not text, or not a table.
    """
    csv.field_size_limit(
        max(csv.field_size_limit(), len(data))
    )  # a cell is no longer than its file
    text, note = text_of(data, longest_line=None)
    told: list[str] = []
    dialect, skip = dialect_of(text[:SAMPLE], tabs=False, notes=told)
    lines = text.split("\n")
    lines[:skip] = [""] * skip  # it is for programs, but counts as a line
    rows = csv.reader((line + "\n" for line in lines), **dialect)
    parts: list[str] = []
    blocks: list[Block] = []
    names: list[str] = []
    size = line = 0
    try:
        for row in rows:
            cells = [" ".join(cell.split()) for cell in row]
            if not any(cells):
                sentence = ""
            elif not names:
                names = cells
                sentence = "; ".join(cells)
            else:
                sentence = named(cells, names)
                blocks.append(Block(size, size + len(sentence), "table"))
            # a row with line breaks in it takes several lines of the file, so it does here
            written = sentence + "\n" * max(1, rows.line_num - line)
            line = rows.line_num
            parts.append(written)
            size += len(written)
    except csv.Error as error:
        raise Unreadable(f"not a table: line {rows.line_num}: {error}") from None
    if not blocks:
        raise Unreadable("a table without rows")
    return Document(
        "".join(parts), "table", tuple(blocks), notes=tuple(filter(None, (note, *told)))
    )


def named(cells: Sequence[str], names: Sequence[str]) -> str:
    """A row in words: each cell that holds something, with the name of its column."""
    return "; ".join(
        f"{names[i] if i < len(names) and names[i] else f'column {i + 1}'}: {cell}"
        for i, cell in enumerate(cells)
        if cell
    )
