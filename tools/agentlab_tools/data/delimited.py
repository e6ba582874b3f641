"""Rows of CSV and TSV files as Python's own `csv` reads them, none of them left out in silence.

with open_delimited(path) as file:
    file.names                        the columns; more may come with longer rows
    for line, cells in file.rows(): …
file.notes                            what was assumed, and what was found to be odd
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from agentlab.decoding import Undecodable
from agentlab_tools.data.bytes import open_text
from agentlab_tools.data.dialect import SAMPLE, SAMPLE_ROWS, dialect_of
from agentlab_tools.data.headed import Row, headed

_WIDER = 100  # columns that rows may have beyond the header's
_LINES = 1000  # a value over more of them was likely not meant to be one
_END = "\x1a"  # Ctrl-Z, with which DOS ended a file


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
    _all: Iterator[Row]
    _short: list[int] = field(default_factory=list[int])
    _long: list[int] = field(default_factory=list[int])
    _bare: list[int] = field(default_factory=list[int])

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row with the line it begins on. Blank lines are none."""
        width = len(self.names)
        for line, end, cells in self._all:
            if cells == [_END]:
                self.refused.append((line, "the mark with which DOS ended a file"))
                continue
            if len(cells) > width + _WIDER:
                self.refused.append((line, f"{len(cells):,} fields where the header has {width}"))
                continue
            if end - line >= _LINES:
                self.notes.append(
                    f"a quoted value runs from line {line:,} to line {end:,}: is a quote missing?"
                )
            if not any(cells):
                self._bare.append(line)
            elif len(cells) < width:
                self._short.append(line)
            elif len(cells) > width:
                self._long.append(line)
            yield line, cells
        for lines, reason in (
            (self._short, "fewer fields than the header: the rest is NULL"),
            (self._long, "more fields than the header: they are in columns of their own"),
            (self._bare, "no values at all: a row of NULL"),
        ):
            if lines:
                self.notes.append(f"{lines_told(lines)} {has(lines)} {reason}")


def lines_told(lines: list[int]) -> str:
    """Line numbers for people: all of a few, or the first ones and how many more."""
    first = ", ".join(f"{line:,}" for line in lines[:5])
    more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
    return f"line{'s'[: len(lines) > 1]} {first}{more}"


def has(lines: list[int]) -> str:
    """The verb after `lines_told`."""
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
        sample = file.read(SAMPLE)
        file.seek(0)
        if not sample.strip():
            raise Undecodable("empty")
        dialect, skip = dialect_of(sample, tabs=".tsv" in path.suffixes, notes=notes)
        for _ in range(skip):
            file.readline()
        refused: list[tuple[int, str]] = []
        rows = _numbered(file, dialect, skip, notes, refused)
        first = list(islice(rows, SAMPLE_ROWS))
        names, body = headed(first, notes, refused)
        yield Delimited(names, notes, refused, chain(body, rows))


def _numbered(
    file: IO[str],
    dialect: dict[str, Any],
    skipped: int,
    notes: list[str],
    refused: list[tuple[int, str]],
) -> Iterator[Row]:
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
