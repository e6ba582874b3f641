"""Spreadsheets (.xlsx, .xls, .xlsb, .ods): every row of every sheet, with the names of its columns.

The sheet is the heading. Values are those that were last computed; formulas are not read.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.flow import Flow, one_line
from agentlab_tools.knowledge.ingest.office import drawn, line
from agentlab_tools.knowledge.ingest.package import Package, local
from agentlab_tools.knowledge.ingest.table import named

_COMMENTS = re.compile(r"^xl/(threadedComments/.*|comments[^/]*)\.xml$", re.IGNORECASE)
_DRAWING = re.compile(r"^xl/drawings/drawing[^/]*\.xml$", re.IGNORECASE)

_LOOKED_AT = 20
"""Rows among which the one with the names of columns is looked for."""
_FULL = 0.6
"""The share of a sheet's columns that it names at least."""


def parse(data: bytes) -> Document:
    """A spreadsheet.

    Raises:
        Unreadable: it is damaged or locked.
    """
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except calamine.PasswordError as error:
        raise Unreadable("locked with a password") from error
    except calamine.CalamineError as error:
        Package(data)  # which says it if it is damaged or locked as a whole
        raise Unreadable(f"not a spreadsheet that can be read ({one_line(str(error))})") from error
    flow = Flow()
    lost: list[str] = []
    for name in book.sheet_names:
        try:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        except calamine.CalamineError:  # a sheet that holds a chart, or is damaged
            lost.append(name)
            continue
        flow.top()
        _sheet(flow, name, [[_said(cell) for cell in row] for row in rows])
    flow.top()
    for said in _beside(data):
        flow.paragraph(said)
    notes = (f"sheets that can't be read: {', '.join(lost[:10])}",) if lost else ()
    return flow.document("table", "", notes)


def _beside(data: bytes) -> Iterator[str]:
    """What stands in an .xlsx file beside its cells: comments, text boxes, titles of charts."""
    if not data.startswith(b"PK"):
        return
    package = Package(data)
    for part in sorted(package.names()):
        if _COMMENTS.search(part):
            for comment in package.xml(part).iter():
                if local(comment) in ("comment", "threadedComment"):
                    yield line(comment) or "".join(comment.itertext())
        elif _DRAWING.search(part):
            for shape in package.xml(part).iter():
                if local(shape) == "txBody":
                    yield "\n".join(line(p) for p in shape.iter() if local(p) == "p")
            yield from drawn(package, part)


def _sheet(flow: Flow, name: str, rows: Sequence[Sequence[str]]) -> None:
    filled = [row for row in rows if any(row)]
    if not filled:
        return
    flow.heading(1, name)
    head = _head(filled)
    above = filled if head is None else filled[:head]
    flow.rows(above)
    if head is not None:
        names = filled[head]
        below = filled[head + 1 :]
        flow.rows([names, *([named(row, names)] for row in below)])


def _head(rows: Sequence[Sequence[str]]) -> int | None:
    """Which row names the columns: the first that is nearly full, and of words alone."""
    width = max(len(row) - next(i for i, c in enumerate(reversed(row)) if c) for row in rows)
    for number, row in enumerate(rows[:_LOOKED_AT]):
        cells = [cell for cell in row if cell]
        if len(cells) >= max(1, _FULL * width) and all(map(_is_word, cells)):
            return number
    return None


def _is_word(cell: str) -> bool:
    return any(char.isalpha() for char in cell)


def _said(cell: Any) -> str:
    """A cell as a person would write it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        at_midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if at_midnight else cell.isoformat(" ")
    if isinstance(cell, datetime.date | datetime.time | datetime.timedelta):
        return str(cell)
    return one_line(str(cell)) if cell is not None else ""
