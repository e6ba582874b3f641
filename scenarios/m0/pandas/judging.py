"""The checks: what became of rows and values on their way through the learner's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isclose
from typing import Any

from agentlab.labs.checks import numbers_in

from .questions import Table

CLEANED = {
    "order": "text",
    "airport": "text",
    "day": "time",
    "kilos": "numbers",
    "paid": "yes or no",
}
REACHED = {
    "order": "text",
    "city": "text",
    "state": "text",
    "kilos": "numbers",
    "airports": "whole numbers",
}
SUMMED = {"tool": "text", "error": "text", "calls": "whole numbers", "seconds": "numbers"}
Complaint = Callable[[Any, Any], str | None]
_CLOSE = 1e-4
"""Seconds that two ways of adding up times of this century may differ by."""


def mistyped(wanted: Mapping[str, str]) -> Complaint:
    """A complaint on columns that are not these, or not of these types."""

    def complaint(found: Any, _: Any) -> str | None:
        for table in found["tables"]:
            if table["names"] != list(wanted):
                return f"the columns are {', '.join(table['names']) or 'none'}"
            for (name, kind), got in zip(wanted.items(), table["kinds"], strict=True):
                if got != kind:
                    return f"{name} is {got}, not {kind}"
        return None

    return complaint


def _tables(found: Any, expect: Any, columns: int) -> Iterator[tuple[int, Any, Any]]:
    """The tables that have so many columns, with their number and what they should be."""
    for number, (table, rows) in enumerate(zip(found["tables"], expect, strict=True), 1):
        if len(table["names"]) == columns:
            yield number, table["rows"], rows


def lost_orders(found: Any, expect: Any) -> str | None:
    """Orders that are missing, or there too often, by number and airport."""
    for number, rows, wanted in _tables(found, expect, len(CLEANED)):
        got, want = Counter((r[0], r[1]) for r in rows), Counter((r[0], r[1]) for r in wanted)
        if got != want:
            reason = f"table {number}: {len(rows)} orders, {len(wanted)} are meant"
            one = next(iter([*(want - got), *(got - want)]))
            name = one[0] or "without number"
            return f"{reason}; {one[1]}, {name}: {got[one]}, not {want[one]}"
    return None


def misread(column: str) -> Complaint:
    """A complaint on values of a column that are not those meant."""
    at = list(CLEANED).index(column)

    def complaint(found: Any, expect: Any) -> str | None:
        for number, rows, wanted in _tables(found, expect, len(CLEANED)):
            got, want = (_by_order(some, at) for some in (rows, wanted))
            for order, values in want.items():
                if order in got and got[order] != values:
                    one, other = ", ".join(got[order]), ", ".join(values)
                    return f"table {number}, order {order or 'without number'}: {one}, not {other}"
        return None

    return complaint


def _by_order(rows: Sequence[Sequence[Any]], at: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        value = "missing" if row[at] is None else str(row[at])
        found.setdefault(row[0] or "", []).append(value)
    return {order: sorted(values) for order, values in found.items()}


def miscarried(found: Any, expect: Any) -> str | None:
    """The rows that came out of a join are not those that went in."""
    rows = found["tables"][0]["rows"]
    if len(rows) != len(expect):
        weight, want = (sum(r[3] for r in some if len(r) > 3) for some in (rows, expect))
        return f"{len(rows)} orders of {weight:g} kg, and there were {len(expect)} of {want:g} kg"
    for row, wanted in zip(rows, expect, strict=True):
        if row[:4] != wanted[:4]:
            return f"where order {wanted[0]} stood, there is {row[:4]}"
    return None


def miscounted(found: Any, expect: Any) -> str | None:
    """The wrong number of airports stands beside an order."""
    counts = {row[0]: row[4] for row in found["tables"][0]["rows"] if len(row) == len(REACHED)}
    for order, city, state, _, number in expect:
        if order in counts and counts[order] != number:
            got = "missing" if counts[order] is None else f"{counts[order]:g}"
            return f"{city or 'no city'}, {state or 'no state'}: {got} airports, not {number:g}"
    return None


def changed(found: Any, _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found["kept"] else "the tables it was given are others afterwards"


def lost_calls(found: Any, expect: Any) -> str | None:
    """Calls that are missing from a summary, or in it too often."""
    for number, rows, wanted in _tables(found, expect, len(SUMMED)):
        got, want = ({(r[0], r[1]): r[2] for r in some} for some in (rows, wanted))
        total, right = (sum(r[2] or 0 for r in some) for some in (rows, wanted))
        for (tool, error), calls in want.items():
            if got.get((tool, error)) != calls:
                there = got.get((tool, error), 0) or 0
                said = f"{tool}, {error or 'no error'}: {there:g} calls, not {calls}"
                return f"log {number}: {total:g} calls of {right}; {said}"
        if len(rows) != len(wanted):
            return f"log {number}: {len(rows)} rows, not {len(wanted)}"
    return None


def mistimed(found: Any, expect: Any) -> str | None:
    """Seconds that are not those between a call's beginning and its end."""
    for number, rows, wanted in _tables(found, expect, len(SUMMED)):
        got = {(r[0], r[1]): r[3] for r in rows}
        for tool, error, _, seconds in wanted:
            one = got.get((tool, error), seconds)
            if not _same(one, seconds):
                said = f"{_seconds(one)}, not {_seconds(seconds)}"
                return f"log {number}, {tool}, {error or 'no error'}: {said}"
    return None


def _same(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else isclose(one, other, abs_tol=_CLOSE)


def _seconds(value: float | None) -> str:
    return "missing" if value is None else f"{value:.4f} s"


def _calls(found: Any) -> Iterator[Any]:
    for asked in found["asked"]:
        yield from asked["calls"]
    yield from found["calls"]


def mistold(found: Any, expect: Table) -> str | None:
    """A call for what is known did not bring its total."""
    for one in _calls(found):
        right = expect.total(*one["call"])
        if right is None:
            continue
        about = f"total{tuple(one['call'])}"
        if one["error"] is not None:
            return f"{about}: {one['error'][:80]}; it is {right:g}"
        numbers = numbers_in(one["back"])
        if not numbers or not isclose(numbers[-1], right, abs_tol=0.01):
            return f"{about}: {one['back'][:60]}; it is {right:g}"
    return None


def made_up(found: Any, expect: Table) -> str | None:
    """A call for what nobody knows brought a number, in place of an error."""
    for one in _calls(found):
        if expect.total(*one["call"]) is None and one["error"] is None:
            return f"total{tuple(one['call'])}: {one['back'][:60]}, and nobody knows"
    return None


def nameless(found: Any, _: Any) -> str | None:
    """A number came back that does not say what it is the sum of."""
    for one in _calls(found):
        if one["error"] is None and one["call"][0] not in one["back"].lower():
            return f"total{tuple(one['call'])}: {one['back'][:60]}; of what?"
    return None


def not_asked(found: Any, _: Any) -> str | None:
    """The model answered without a call."""
    for one in found["asked"]:
        if not one["calls"]:
            return f"{one['asked']!r}: no call, but {one['answer'][:60]!r}"
    return None
