"""What tables hold, what a query answers, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataLimits:
    """What reading the files and one query may use.

    Attributes:
        rows: how many a query answers with; the rest is only known to be there.
        cell: characters of one value that are kept.
        seconds: of a query, by the clock.
        memory: bytes of address space a query's process may have.
        file_bytes: size of all files together.
        load_seconds: for reading the files in.
    """

    rows: int = 50
    cell: int = 200
    seconds: float = 20.0
    memory: int = 2 << 30
    file_bytes: int = 8 << 30
    load_seconds: float = 1800.0


USUAL_LIMITS = DataLimits()


@dataclass(frozen=True)
class Column:
    """A column: its name, its type as DuckDB writes it, and the first values in it."""

    name: str
    type: str
    sample: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table of the data.

    Attributes:
        skipped: rows of its files that are left out; rows and skipped together are all there are.
        refused: the first of those: their lines, and why.
        notes: what was assumed in reading the files, and what is odd about them.
    """

    name: str
    rows: int
    columns: tuple[Column, ...]
    skipped: int = 0
    refused: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """A query's answer: column names, and the values as text, None for NULL.

    Attributes:
        more: whether there are more rows than these.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    more: bool = False
