"""What columns of text hold: the type that each is read as, and in one line what keeps it from one.

Types are decided on all rows: a column is a number's, a day's or a time's when each of its values
is one, written so that nothing is lost by reading it as one. `007`, `+49 30` and `1,5` are text.
"""

from __future__ import annotations

from typing import Any

_FIRST = 10_000  # rows that most often tell what a column is not
_EXACT = 15  # decimal digits that a double always keeps

_INT = r"0|-?[1-9][0-9]*"
_POINT = r"-?(0|[1-9][0-9]*)?(\.[0-9]+)|-?(0|[1-9][0-9]*)\."
_POWER = r"-?(0|[1-9][0-9]*)(\.[0-9]*[eE][-+]?|[eE][-+])[0-9]{1,3}"
_NUMBER = f"({_INT})|({_POINT})|({_POWER})"
_OF_JSON = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|NaN|-?Infinity"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
_MOMENT = rf"{_DAY}([ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?)?"

_DATE = (_DAY, "DATE", "a day")
_TIMESTAMP = (_MOMENT, "TIMESTAMP", "a day or a moment")
_TIME = (_CLOCK, "TIME", "a time")
_BOOL = ("(?i:true|false)", "BOOLEAN", "true or false")

# What stays text although people read more in it: what each value is, and what one is at least
_OTHERWISE = (
    (
        r"[-+(]?[$€£¥]? ?[-+]?[0-9][0-9.,'\x{a0}\x{202f} ]* ?[%$€£¥]?\)?",
        r".*[,%$€£¥(].*",
        "numbers in a notation of their own",
    ),
    (
        r"[0-9]{1,2}([./-])[0-9]{1,2}[./-]([0-9]{4}|[0-9]{2})([ T,]+[0-9]{1,2}:[0-9]{2}.*)?",
        r".*",
        "days in a notation of their own",
    ),
    (rf"{_DAY}[ T][0-9:.]+ ?(Z|[-+][0-9]{{2}}(:?[0-9]{{2}})?)", r".*", "moments with a time zone"),
)


class Types:
    """Decides on the columns of the table `staging`.

    Args:
        notes: gets a line for each column that a few values make one of text, or that holds
            numbers or days which are not read as such.
    """

    def __init__(self, db: Any, notes: list[str]) -> None:
        self._db = db
        self._notes = notes

    def read_as(self, column: str, name: str, kinds: set[str]) -> str:
        """How a column is read, in SQL.

        Args:
            column: of `staging`.
            name: for the notes.
            kinds: of its values in JSON; empty for text of which nothing is known.
        """
        if kinds == {"nested"}:
            return self._nested(column)
        if len(kinds) > 1:
            self._notes.append(
                f"{name} is text: it holds values of several kinds ({_listed(kinds)})"
            )
            return column
        if kinds == {"bool"}:
            return f"CAST({column} AS BOOLEAN)"
        if kinds != {"string"} and (number := self._number(column, name, kinds)):
            return number
        before = len(self._notes)
        others = [_BOOL] if not kinds else []
        for pattern, type, phrase in (_DATE, _TIMESTAMP, _TIME, *others):
            if self._all(column, pattern, type):
                return f"CAST(trim({column}) AS {type})"
            if type != "DATE":  # a moment may be a day as well, so this tells of both
                self._told(column, name, _fits(column, type), pattern, phrase)
        if len(self._notes) == before:
            self._told_otherwise(column, name)
        return column

    def _number(self, column: str, name: str, kinds: set[str]) -> str:
        """How a column of numbers is read; empty where it is none."""
        value = f"trim({column})"
        pattern = _OF_JSON if kinds else _NUMBER
        total, numbers = self._db.execute(
            f"SELECT count({column}), count(*) FILTER (regexp_full_match({value}, $number)) "
            "FROM staging",
            {"number": pattern},
        ).fetchone()
        if not total:
            return ""
        if numbers < total:
            self._told(column, name, "true", pattern, "a number")
            return ""
        if not (reason := self._held(value, total)):
            self._notes.append(
                f"{name} is text: its numbers are larger or finer than any type holds"
            )
        return reason

    def _held(self, value: str, total: int) -> str:
        """How numbers are read so that none of them changes; empty where no type holds them."""
        digits = f"ltrim(regexp_replace({value}, '[eE].*|[^0-9]', '', 'g'), '0')"
        whole = f"ltrim(regexp_extract({value}, '^-?([0-9]*)', 1), '0')"
        behind = f"regexp_extract({value}, '\\.([0-9]*)', 1)"
        ints, powers, most, before, after, lost = self._db.execute(
            f"SELECT count(*) FILTER (regexp_full_match({value}, $int)), "
            f"count(*) FILTER ({value} ILIKE '%e%' OR {value} ILIKE '%n%'), "
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
            named = f"regexp_matches({value}, '[NI]')"  # NaN and Infinity, written as such
            bad = f"NOT coalesce(isfinite(TRY_CAST({value} AS DOUBLE)), true) AND NOT {named}"
            misfits = self._db.execute(f"SELECT count(*) FROM staging WHERE {bad}").fetchone()[0]
            return "" if misfits else f"CAST({value} AS DOUBLE)"
        if not powers and before + after <= 38:
            return f"CAST({value} AS DECIMAL({max(before + after, 1)}, {after}))"
        return ""

    def _told(self, column: str, name: str, fits: str, pattern: str, said: str) -> None:
        """Note what keeps a column from being what most of its values are."""
        is_so = f"regexp_full_match(trim({column}), $pattern) AND {fits}"
        wrong = f"{column} IS NOT NULL AND NOT ({is_so})"
        values = {"pattern": pattern}
        head = f"(SELECT {column} FROM staging WHERE {column} IS NOT NULL LIMIT {_FIRST})"
        for some in (head, "staging"):
            total, others = self._db.execute(
                f"SELECT count({column}), count(*) FILTER ({wrong}) FROM {some}", values
            ).fetchone()
            if (not others and some == "staging") or others >= total * 0.5:
                return
        line, first = self._db.execute(
            f"SELECT line, {column} FROM staging WHERE {wrong} ORDER BY rowid LIMIT 1", values
        ).fetchone()
        are = "value is" if others == 1 else "values are"
        self._notes.append(
            f"{name} is text: {others:,} {are} not written as {said}, first {first[:40]!r} "
            f"on line {line:,}"
        )

    def _told_otherwise(self, column: str, name: str) -> None:
        """Note that a column of text holds numbers or days in another notation."""
        for pattern, must, phrase in _OTHERWISE:
            if not self._all(column, pattern, "VARCHAR"):
                continue
            examples = self._db.execute(
                f"SELECT line, {column} FROM staging "
                f"WHERE regexp_full_match({column}, $must) ORDER BY rowid LIMIT 1",
                {"must": must},
            ).fetchone()
            if examples is not None:
                self._notes.append(
                    f"{name} is text: it holds {phrase}, "
                    f"first {examples[1][:40]!r} on line {examples[0]:,}"
                )
                return

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
        expression = f"json_transform_strict({column}::JSON, '{text}')"
        # a double would round what is written with more digits than it keeps
        if "DOUBLE" in text or "JSON" in text or "NULL" in text:
            return f"{column}::JSON"
        try:
            self._db.execute(f"SELECT count({expression}) FROM staging").fetchone()
        except Exception:  # noqa: BLE001 - whatever does not fit, JSON holds
            return f"{column}::JSON"
        return expression


def _fits(column: str, type: str) -> str:
    return f"TRY_CAST(trim({column}) AS {type}) IS NOT NULL"


def _listed(kinds: set[str]) -> str:
    return ", ".join(sorted(kinds))
