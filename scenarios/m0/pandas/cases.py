"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TypeAlias

from agentlab.labs import Case

from .log import log, summed
from .orders import airports, written
from .questions import drawn

_Place: TypeAlias = tuple[str | None, str | None]
_KINDS = ("mixed", "early", "alike")


def tables(rng: Random, count: int) -> Sequence[Case]:
    """Three tables a case; `expect` is the rows that are meant in each."""
    cases: list[Case] = []
    for n in range(count):
        three = [written(rng, kind) for kind in _KINDS]
        code = f"{_SHOW}_texts = {[text for text, _ in three]!r}\n{_CLEAN}"
        expect = [[order.row for order in orders] for _, orders in three]
        cases.append(Case(code, expect, title=f"three tables, draw {n + 1}"))
    return cases


def joins(rng: Random, count: int) -> Sequence[Case]:
    """Orders that name a city and a state, and the list of airports; `expect` is the rows."""
    cases: list[Case] = []
    listed = [[a.code, a.city, a.state] for a in airports()]
    there: Counter[_Place] = Counter((a.city, a.state) for a in airports() if a.city and a.state)
    several = [place for place, number in there.items() if number > 1]
    spread = Counter(city for city, _ in there)
    common = [place for place in there if spread[place[0]] > 2]
    for n in range(count):
        places: list[_Place] = [
            *rng.sample(list(there), 12),
            *rng.choices(several, k=6),
            *rng.choices(common, k=4),
            ("Narnia", "TX"),
            (rng.choice(several)[0], None),
            (None, "TX"),
            (None, None),
            (None, None),
        ]
        rng.shuffle(places)
        rows = [[f"{i:04d}", *place, rng.randint(3, 999) / 2] for i, place in enumerate(places)]
        code = f"{_SHOW}_rows, _listed = {rows!r}, {listed!r}\n{_JOIN}"
        expect = [[*row, float(there[places[i]])] for i, row in enumerate(rows)]
        cases.append(Case(code, expect, title=f"{len(rows)} orders, draw {n + 1}"))
    return cases


def logs(rng: Random, count: int) -> Sequence[Case]:
    """Logs of four runs each; `expect` is the calls, by tool and error."""
    cases: list[Case] = []
    for n in range(count):
        texts = [log(rng), log(rng)]
        code = f"{_SHOW}_texts = {texts!r}\n{_SUMMARY}"
        cases.append(Case(code, [summed(text) for text in texts], title=f"two logs, draw {n + 1}"))
    return cases


def questions(rng: Random, count: int) -> Sequence[Case]:
    """A table, what is asked of it in words, and what is asked straight; see `questions`."""
    cases: list[Case] = []
    for _ in range(count):
        table = drawn(rng)
        told = json.dumps({"rows": table.rows, "asked": table.asked, "straight": table.straight})
        cases.append(Case(told, table, title=f"{len(table.rows)} orders of a week"))
    return cases


_SHOW = """import io, json
import pandas as pd
def _kind(column):
    types = pd.api.types
    if types.is_bool_dtype(column):
        return 'yes or no'
    if types.is_datetime64_any_dtype(column):
        return 'time'
    if types.is_integer_dtype(column):
        return 'whole numbers'
    if types.is_float_dtype(column):
        return 'numbers'
    return 'text' if isinstance(column.dtype, pd.StringDtype) else str(column.dtype)
def _value(value, kind):
    if pd.isna(value):
        return None
    if kind == 'time':
        return str(pd.Timestamp(value).date())
    if kind == 'yes or no':
        return bool(value)
    return float(value) if kind.endswith('numbers') else str(value)
def _shown(frame):
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f'a DataFrame is wanted, and a {type(frame).__name__} came back')
    print(frame.head(4).to_string(), f'\\n{len(frame)} rows')
    names = [str(name) for name in frame.columns]
    kinds = [_kind(frame.iloc[:, n]) for n in range(len(names))]
    columns = [[_value(v, kind) for v in frame.iloc[:, n]] for n, kind in enumerate(kinds)]
    return dict(names=names, kinds=kinds, rows=[list(row) for row in zip(*columns)])
"""
_CLEAN = "print(json.dumps(dict(tables=[_shown(clean(text)) for text in _texts])))"
_SUMMARY = "print(json.dumps(dict(tables=[_shown(summary(text)) for text in _texts])))"
_JOIN = """def _given():
    orders = pd.DataFrame(_rows, columns=['order', 'city', 'state', 'kilos'])
    orders.index = range(7, 7 + len(orders))  # as after a filter
    return orders, pd.DataFrame(_listed, columns=['code', 'city', 'state'])
_one, _other = _given(), _given()
_found = reached(*_one)
_kept = all(a.equals(b) for a, b in zip(_one, _other))
print(json.dumps(dict(tables=[_shown(_found)], kept=_kept)))"""
