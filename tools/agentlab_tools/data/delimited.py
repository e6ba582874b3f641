"""Rows of CSV and TSV files as Python's own `csv` reads them, none of them left out in silence.

with open_delimited(path) as file:
    file.names                        the columns; more may come with longer rows
    for line, cells in file.rows(): …
file.notes                            what was assumed, and what was found to be odd
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from agentlab.decoding import Undecodable
from agentlab_tools.data.bytes import open_text

_SAMPLE = 1 << 16
_SAMPLE_ROWS = 1000
_DELIMITERS = ",;\t|"
_VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"skipinitialspace": True},
    {"escapechar": "\\", "doublequote": False},
)
_WIDER = 100  # columns that rows may have beyond the header's
_LINES = 1000  # a value over more of them was likely not meant to be one
_PREAMBLE = 10
_TYPED = re.compile(
    r"\s*([-+]?(\d+([.,]\d*)*|\.\d+)([eE][-+]?\d+)?%?|\d{4}-\d\d-\d\d([ T].*)?|\d\d:\d\d(:\d\d.*)?"
    r"|true|false)\s*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass
class Delimited:
    """An open file of rows.

    Attributes:
        names: of the columns, as the file has them.
        notes: lines for people; complete when all rows were read.
        refused: (line, why) of the rows that were left out.
    """

    names: list[str]
    notes: list[str]
    refused: list[tuple[int, str]]
    _all: Iterator[tuple[int, int, list[str]]]
    _short: list[int] = field(default_factory=list[int])
    _long: list[int] = field(default_factory=list[int])

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row with the line it begins on. Blank lines are none."""
        width = len(self.names)
        for line, end, cells in self._all:
            if len(cells) > width + _WIDER:
                self.refused.append((line, f"{len(cells):,} fields where the header has {width}"))
                continue
            if end - line >= _LINES:
                self.notes.append(
                    f"a quoted value runs from line {line:,} to line {end:,}: is a quote missing?"
                )
            if len(cells) < width:
                self._short.append(line)
            elif len(cells) > width:
                self._long.append(line)
            yield line, cells
        for lines, said in (
            (self._short, "fewer fields than the header: the rest is NULL"),
            (self._long, "more fields than the header: they are in columns of their own"),
        ):
            if lines:
                self.notes.append(f"{lines_told(lines)} {_have(lines)} {said}")


def lines_told(lines: list[int]) -> str:
    """Line numbers for people: all of a few, or the first ones and how many more."""
    first = ", ".join(f"{line:,}" for line in lines[:5])
    more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
    return f"line{'s'[: len(lines) > 1]} {first}{more}"


def _have(lines: list[int]) -> str:
    return "has" if len(lines) == 1 else "have"


@contextmanager
def open_delimited(path: Path) -> Generator[Delimited]:
    """Open a file of rows.

    Raises:
        Undecodable: it is empty, or no text whose encoding can be told.
        OSError: it can't be read.
    """
    csv.field_size_limit((1 << 31) - 1)
    with open_text(path) as (file, note):
        notes = [note] if note else []
        sample = file.read(_SAMPLE)
        file.seek(0)
        if not sample.strip():
            raise Undecodable("empty")
        dialect, skip = _dialect(sample, ".tsv" in path.suffixes, notes)
        for _ in range(skip):
            file.readline()
        refused: list[tuple[int, str]] = []
        rows = _numbered(file, dialect, skip, notes, refused)
        first = list(islice(rows, _SAMPLE_ROWS))
        names, body = _headed(first, notes, refused)
        yield Delimited(names, notes, refused, chain(body, rows))


def _numbered(
    file: IO[str],
    dialect: dict[str, Any],
    skipped: int,
    notes: list[str],
    refused: list[tuple[int, str]],
) -> Iterator[tuple[int, int, list[str]]]:
    """Rows with their first and last lines."""
    lines: list[str] = []  # of the row under way, or of the last one
    begun = False

    def kept() -> Iterator[str]:
        nonlocal begun
        for text in file:
            if not begun:
                lines.clear()
                begun = True
            lines.append(text)
            yield text

    reader = csv.reader(kept(), **dialect)
    start = skipped + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            refused.append((start, str(error)))
            cells = []
        end = skipped + reader.line_num
        if cells:
            yield start, end, cells
        start, begun = end + 1, False
    if lines and _is_open(lines, dialect):
        first = start - len(lines)
        notes.append(f"a quote opened on line {first:,} is never closed: what follows is one value")


def _is_open(lines: list[str], dialect: dict[str, Any]) -> bool:
    """Whether a row ends within quotes: only the last of a file can."""
    try:
        list(csv.reader(lines, strict=True, **dialect))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _dialect(sample: str, tabs: bool, notes: list[str]) -> tuple[dict[str, Any], int]:
    """How a file's rows are written, and how many lines come before them."""
    told = re.match(r"sep=(.)\r?\n", sample, re.IGNORECASE)
    if told:  # for Excel
        return {"delimiter": told[1]}, 1
    lines = list(io.StringIO(sample, newline=""))
    if len(sample) >= _SAMPLE and len(lines) > 1:
        lines = lines[:-1]
    best: tuple[float, dict[str, Any]] = (0.0, {"delimiter": "\t" if tabs else ","})
    for delimiter in sorted(_DELIMITERS, key=lambda d: d != "\t") if tabs else _DELIMITERS:
        for variant in _VARIANTS:
            score = _agreement(lines, {"delimiter": delimiter, **variant})
            if score > best[0] + 1e-9:
                best = score, {"delimiter": delimiter, **variant}
    if "escapechar" in best[1]:
        notes.append('a backslash before a quote is read as part of the value: \\"')
    return best[1], 0


def _agreement(lines: list[str], dialect: dict[str, Any]) -> float:
    """How well rows agree on how many fields they have, and more so on many; 0 where it is one."""
    try:
        widths = [len(row) for row in islice(csv.reader(lines, **dialect), _SAMPLE_ROWS) if row]
    except csv.Error:
        return 0.0
    counts = Counter(widths)
    width, count = max(counts.items(), key=lambda found: (found[1], found[0]), default=(1, 0))
    if width == 1:
        return 0.0
    # what the header has too is no character of the text below it
    return count / len(widths) * (1 - 1 / width) + (widths[0] == width) / 2


def _headed(
    rows: list[tuple[int, int, list[str]]], notes: list[str], refused: list[tuple[int, str]]
) -> tuple[list[str], list[tuple[int, int, list[str]]]]:
    """The names of columns, and the rows that are none."""
    widths = Counter(len(cells) for _, _, cells in rows)
    usual = max(widths, key=lambda width: (widths[width], width))
    if usual > 1:  # a title and the like stand above the header
        above = next((n for n, (_, _, cells) in enumerate(rows) if len(cells) > 1), 0)
        if 0 < above <= _PREAMBLE:
            refused += [(line, "it stands above the header") for line, _, _ in rows[:above]]
            rows = rows[above:]
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


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether a first row names columns: it holds no values, or others than the rows below."""
    typed = [bool(_TYPED.fullmatch(cell)) for cell in first]
    if not any(typed):
        return any(cell.strip() for cell in first)
    years = [cell for cell in first if _YEAR.fullmatch(cell.strip())]
    if not typed[0] and len(set(years)) == sum(typed):
        return True
    for at, is_typed in enumerate(typed):
        below = [cells[at] for cells in body if len(cells) > at and cells[at].strip()]
        if not is_typed and first[at].strip() and below and all(map(_TYPED.fullmatch, below)):
            return True
    return False
