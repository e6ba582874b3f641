"""Rows gathered as text in a table of DuckDB's, and what their columns turn out to hold.

Types are decided on all rows: a column is a number's, a day's or a time's when each of its values
is one, written so that nothing is lost by reading it as one. `007`, `+49 30` and `1,5` are text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BATCH = 20_000
_FIRST = 10_000  # rows that most often tell what a column is not
_EXACT = 15  # decimal digits that a double always keeps

_INT = r"0|-?[1-9][0-9]*"
_POINT = r"-?(0|[1-9][0-9]*)?(\.[0-9]+)|-?(0|[1-9][0-9]*)\."
_POWER = r"-?(0|[1-9][0-9]*)(\.[0-9]*[eE][-+]?|[eE][-+])[0-9]{1,3}"
_NUMBER = f"({_INT})|({_POINT})|({_POWER})"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
_MOMENT = rf"{_DAY}([ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?)?"

_DATE = (_DAY, "DATE", "a day")
_TIMESTAMP = (_MOMENT, "TIMESTAMP", "a day or a moment")
_TIME = (_CLOCK, "TIME", "a time")
_BOOL = ("(?i:true|false)", "BOOLEAN", "true or false")


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
        columns = [
            f"{self._read_as(place, name, notes)} AS {quote(name)}"
            for place, name in enumerate(named)
        ]
        self._db.execute(f"CREATE TABLE {table} AS SELECT {', '.join(columns)} FROM staging")
        rows = self._db.execute(f"FROM {table} SELECT count(*)").fetchone()[0]
        if rows != self.count:
            raise RuntimeError(f"{self.count} rows were read, and {rows} are in {table}")
        self._db.execute("DROP TABLE staging")
        return rows

    def _read_as(self, place: int, name: str, notes: list[str]) -> str:
        """How a column is read, in SQL."""
        column, kinds = f"c{place}", self.kinds[place]
        if kinds == {"nested"}:
            return self._nested(column)
        if len(kinds) > 1:
            notes.append(f"{name} is text: it holds values of several kinds ({_listed(kinds)})")
            return column
        if kinds == {"bool"}:
            return f"CAST({column} AS BOOLEAN)"
        if kinds != {"string"} and (number := self._number(column, name, notes)):
            return number
        others = [_BOOL] if not kinds else []
        for pattern, type, said in (_DATE, _TIMESTAMP, _TIME, *others):
            if self._all(column, pattern, type):
                return f"CAST(trim({column}) AS {type})"
            if type != "DATE":  # a moment may be a day as well, so this tells of both
                self._told(column, name, _fits(column, type), pattern, said, notes)
        return column

    def _number(self, column: str, name: str, notes: list[str]) -> str:
        """How a column of numbers is read; empty where it is none."""
        value = f"trim({column})"
        total, numbers = self._db.execute(
            f"SELECT count({column}), count(*) FILTER (regexp_full_match({value}, $number)) "
            "FROM staging",
            {"number": _NUMBER},
        ).fetchone()
        if not total:
            return ""
        if numbers < total:
            self._told(column, name, "true", _NUMBER, "a number", notes)
            return ""
        digits = f"ltrim(regexp_replace({value}, '[eE].*|[^0-9]', '', 'g'), '0')"
        whole = f"ltrim(regexp_extract({value}, '^-?([0-9]*)', 1), '0')"
        behind = f"regexp_extract({value}, '\\.([0-9]*)', 1)"
        ints, powers, most, before, after, lost = self._db.execute(
            f"SELECT count(*) FILTER (regexp_full_match({value}, $int)), "
            f"count(*) FILTER ({value} ILIKE '%e%'), "
            f"max(length({digits})), max(length({whole})), max(length({behind})), "
            f"count(*) FILTER (length({digits}) > {_EXACT} AND coalesce("
            f"CAST(TRY_CAST({value} AS DOUBLE) AS VARCHAR) != {value}, true)) "
            "FROM staging",
            {"int": _INT},
        ).fetchone()
        if ints == total:
            if most <= 18:
                return f"CAST({value} AS BIGINT)"
            return f"CAST({value} AS HUGEINT)" if most <= 38 else ""
        if most <= _EXACT or not lost:
            bad = f"NOT coalesce(isfinite(TRY_CAST({value} AS DOUBLE)), true)"
            found = self._db.execute(f"SELECT count(*) FROM staging WHERE {bad}").fetchone()[0]
            return "" if found else f"CAST({value} AS DOUBLE)"
        if not powers and before + after <= 38:
            return f"CAST({value} AS DECIMAL({max(before + after, 1)}, {after}))"
        return ""

    def _told(
        self, column: str, name: str, fits: str, pattern: str, said: str, notes: list[str]
    ) -> None:
        """Note what keeps a column from being what most of its values are."""
        is_so = f"regexp_full_match(trim({column}), $pattern) AND {fits}"
        wrong = f"{column} IS NOT NULL AND NOT ({is_so})"
        given = {"pattern": pattern}
        head = f"(SELECT {column} FROM staging WHERE {column} IS NOT NULL LIMIT {_FIRST})"
        for some in (head, "staging"):
            total, others = self._db.execute(
                f"SELECT count({column}), count(*) FILTER ({wrong}) FROM {some}", given
            ).fetchone()
            if (not others and some == "staging") or others >= total * 0.5:
                return
        line, first = self._db.execute(
            f"SELECT line, {column} FROM staging WHERE {wrong} ORDER BY rowid LIMIT 1", given
        ).fetchone()
        are = "value is" if others == 1 else "values are"
        notes.append(
            f"{name} is text: {others:,} {are} not written as {said}, first {first[:40]!r} "
            f"on line {line:,}"
        )

    def _all(self, column: str, pattern: str, type: str) -> bool:
        """Whether there are values, and each can be read as this type."""
        value = f"trim({column})"
        for some in (f"(SELECT {column} FROM staging LIMIT {_FIRST})", "staging"):
            total, fit = self._db.execute(
                f"SELECT count({column}), count(*) FILTER (regexp_full_match({value}, $pattern) "
                f"AND {_fits(column, type)}) FROM {some}",
                {"pattern": pattern},
            ).fetchone()
            if fit < total:
                return False
        return bool(total)

    def _nested(self, column: str) -> str:
        """Lists and structures of DuckDB's where all rows fit one; else JSON."""
        structure = self._db.execute(
            f"SELECT json_group_structure({column}::JSON) FROM staging"
        ).fetchone()[0]
        text = str(structure).replace("'", "''")
        said = f"json_transform_strict({column}::JSON, '{text}')"
        # a double would round what is written with more digits than it keeps
        if "DOUBLE" in text or "JSON" in text or "NULL" in text:
            return f"{column}::JSON"
        try:
            self._db.execute(f"SELECT count({said}) FROM staging").fetchone()
        except Exception:  # noqa: BLE001 - whatever does not fit, JSON holds
            return f"{column}::JSON"
        return said


def _fits(column: str, type: str) -> str:
    return f"TRY_CAST(trim({column}) AS {type}) IS NOT NULL"


def quote(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _listed(kinds: set[str]) -> str:
    return ", ".join(sorted(kinds))


def _distinct(names: Sequence[str]) -> list[str]:
    """Names that differ in more than their capitals; what has none is called by its place."""
    found: list[str] = []
    taken: set[str] = set()
    for place, given in enumerate(names):
        name = first = given.strip().replace("\0", "") or f"column{place}"
        number = 0
        while name.lower() in taken:
            number += 1
            name = f"{first}_{number}"
        taken.add(name.lower())
        found.append(name)
    return found
