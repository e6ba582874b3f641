"""Which of a file's first rows names its columns, and which stand above it."""

from __future__ import annotations

import re
from collections import Counter
from itertools import takewhile

Row = tuple[int, int, list[str]]
"""A row's first and last line, and its fields."""

_PREAMBLE = 10
_ABOVE = "it stands above the header"
_TYPED = re.compile(
    r"\s*([-+]?(\d+([.,]\d*)*|\.\d+)([eE][-+]?\d+)?%?|\d{4}-\d\d-\d\d([ T].*)?|\d\d:\d\d(:\d\d.*)?"
    r"|true|false)\s*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(19|20)\d\d")


def headed(
    rows: list[Row], notes: list[str], refused: list[tuple[int, str]]
) -> tuple[list[str], list[Row]]:
    """The names of columns, and the rows that are none.

    Args:
        rows: the first of a file; not empty.
        notes: gets a line for what had to be assumed.
        refused: gets the line of each row above the header.
    """
    above = _remarks(rows) or _title(rows)
    refused += [(line, _ABOVE) for line, _, _ in rows[:above]]
    rows = rows[above:]
    usual = _usual(rows)
    first = rows[0][2]
    body = [cells for _, _, cells in rows[1:]]
    if not _is_header(first, body):
        notes.append("there is no header: columns are numbered from column0")
        return [f"column{n}" for n in range(max(len(first), usual))], rows
    names = [name.strip() for name in first]
    if body and all(len(cells) == len(first) + 1 for cells in body) and any(c[-1] for c in body):
        notes.append(
            "the header has one name less than rows have fields: the first column has none"
        )
        names = ["", *names]
    return names, rows[1:]


def _usual(rows: list[Row]) -> int:
    """How many fields most rows have."""
    widths = Counter(len(cells) for _, _, cells in rows)
    return max(widths, key=lambda width: (widths[width], width))


def _remarks(rows: list[Row]) -> int:
    """How many rows at the top are remarks, which begin with `#`; the header may, too."""
    marked = sum(1 for _ in takewhile(lambda row: row[2][0].startswith("#"), rows))
    if not marked or marked == len(rows):
        return 0
    below = [cells for _, _, cells in rows[marked:]]
    is_above = len(rows[marked - 1][2]) != len(below[0])
    return marked if is_above or _surely_header(below[0], below[1:]) else marked - 1


def _title(rows: list[Row]) -> int:
    """How many rows at the top are a title and the like."""
    usual = _usual(rows)
    if usual == 1:
        return 0
    full = next(n for n, (_, _, cells) in enumerate(rows) if len(cells) >= usual)
    body = [cells for _, _, cells in rows[full + 1 :]]
    if full <= _PREAMBLE and _surely_header(rows[full][2], body):
        return full
    above = next(n for n, (_, _, cells) in enumerate(rows) if len(cells) > 1)
    return above if above <= _PREAMBLE else 0


def _surely_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether a row holds nothing but names, and a row of values could not be it."""
    names = [name.strip() for name in first]
    if not all(names) or len({*names}) < len(names) or any(map(_TYPED.fullmatch, names)):
        return False
    return any(_typed_below(body, at) for at in range(len(names)))


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether a first row names columns: it holds no values, or others than the rows below."""
    typed = [bool(_TYPED.fullmatch(cell)) for cell in first]
    if not any(typed):
        return any(cell.strip() for cell in first)
    years = [cell for cell in first if _YEAR.fullmatch(cell.strip())]
    if not typed[0] and len(set(years)) == sum(typed):
        return True
    return any(
        not is_typed and first[at].strip() and _typed_below(body, at)
        for at, is_typed in enumerate(typed)
    )


def _typed_below(body: list[list[str]], at: int) -> bool:
    """Whether a column has values, and all of them are numbers, days, times or truth values."""
    below = [cells[at] for cells in body if len(cells) > at and cells[at].strip()]
    return bool(below) and all(map(_TYPED.fullmatch, below))
