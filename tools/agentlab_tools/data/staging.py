"""Rows gathered as text in a table of DuckDB's, and then the table with the types they turn out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlab_tools.data.columns import Types

_BATCH = 20_000


class Staging:
    """Rows as text, in the order they came, with the line each was on.

    Args:
        db: an open database; the table `staging` is this one's until `close`.
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        self.names: list[str] = []
        self.kinds: list[set[str]] = []
        """For JSON: which kinds of values a column has."""
        self.count = 0
        self._lines: list[int] = []
        self._rows: list[list[str]] = []
        """Rows that have a value, which may be empty, for each of the first columns."""
        self._columns: list[list[str | None]] = []
        self._made = 0
        db.execute("CREATE TABLE staging (line BIGINT)")

    def column(self, name: str) -> int:
        """The place of a new column."""
        self._spread()
        self.names.append(name)
        self.kinds.append(set())
        self._columns.append([None] * len(self._lines))
        return len(self.names) - 1

    def add(self, line: int, cells: Sequence[tuple[int, str | None]]) -> None:
        """Take a row: (place of a column, value) of what it has."""
        self._spread()
        self._lines.append(line)
        for column in self._columns:
            column.append(None)
        for place, text in cells:
            self._columns[place][-1] = text
        self.count += 1
        if len(self._lines) >= _BATCH:
            self.flush()

    def add_whole(self, line: int, cells: list[str]) -> None:
        """Take a row that has a value for each column in its order; an empty one is none."""
        if len(self._rows) < len(self._lines):  # others came before it
            self.add(line, [(place, cell) for place, cell in enumerate(cells) if cell])
            return
        self._lines.append(line)
        self._rows.append(cells)
        self.count += 1
        if len(self._lines) >= _BATCH:
            self.flush()

    def _spread(self) -> None:
        """Put rows that were taken whole into their columns: much quicker for many at once."""
        if not self._rows:
            return
        for place, values in enumerate(zip(*self._rows, strict=True)):
            self._columns[place] = [value or None for value in values]
        self._rows.clear()

    def flush(self) -> None:
        """Hand what was gathered to the database."""
        import numpy as np

        self._spread()
        for place in range(self._made, len(self.names)):
            self._db.execute(f"ALTER TABLE staging ADD COLUMN c{place} VARCHAR")
        self._made = len(self.names)
        if not self._lines:
            return
        batch: dict[str, Any] = {"line": np.array(self._lines, np.int64)}
        for place, column in enumerate(self._columns):
            values = np.empty(len(column), object)
            values[:] = column
            if any(value is not None for value in column):
                batch[f"c{place}"] = values
            column.clear()
        self._lines.clear()
        self._db.register("batch", batch)
        self._db.execute("INSERT INTO staging BY NAME FROM batch")
        self._db.unregister("batch")

    def settle(self, table: str, notes: list[str]) -> int:
        """Make the table of it, each column with its type; the number of rows.

        Args:
            table: its quoted name.
            notes: gets a line for each column that a few values make one of text.
        """
        self.flush()
        named = _distinct(self.names)
        for before, after in zip(self.names, named, strict=True):
            if before.strip() != after:
                notes.append(f"a column called {before[:40]!r} is {after} here")
        types = Types(self._db, notes)
        columns = [
            f"{types.read_as(f'c{place}', name, self.kinds[place])} AS {quote(name)}"
            for place, name in enumerate(named)
        ]
        self._db.execute(f"CREATE TABLE {table} AS SELECT {', '.join(columns)} FROM staging")
        rows = self._db.execute(f"FROM {table} SELECT count(*)").fetchone()[0]
        if rows != self.count:
            raise RuntimeError(f"{self.count} rows were read, and {rows} are in {table}")
        self._db.execute("DROP TABLE staging")
        return rows


def quote(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _distinct(names: Sequence[str]) -> list[str]:
    """Names that differ in more than their capitals; what has none is called by its place."""
    distinct: list[str] = []
    taken: set[str] = set()
    for place, wish in enumerate(names):
        name = first = wish.strip().replace("\0", "") or f"column{place}"
        number = 0
        while name.lower() in taken:
            number += 1
            name = f"{first}_{number}"
        taken.add(name.lower())
        distinct.append(name)
    return distinct
