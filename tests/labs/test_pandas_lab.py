"""m0/pandas: what people wrote has one meaning, and what the lesson says of pandas is so."""

from __future__ import annotations

import io
import sys
from collections import Counter
from importlib import import_module
from random import Random
from types import ModuleType
from typing import Any

import pytest

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

SEEDS = range(12)
pd: Any = import_module("pandas")


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/pandas", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = lab.step("clean")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["mixed", "early", "alike"])
def test_every_trap_is_in_every_table(lab: Lab, seed: int, kind: str):
    text, meant = part(lab, "orders").written(Random(seed), kind)
    lines = [line.split(",", 2) for line in text.splitlines()[1:]]
    assert len(lines) > len(meant) == 30
    numbers = Counter(order for order, *_ in lines if order)
    assert max(numbers.values()) == 2
    assert sum(not order for order, *_ in lines) == sum(one.order is None for one in meant) == 4
    assert any(number.startswith("0") for number in numbers)
    assert all(f",{mark}," in text or mark in text for mark in ('"', " kg", "?", "soon", "YES"))
    assert any("2026-" in line for _, _, line in lines)
    assert any("/2026" in line for _, _, line in lines)
    days = [int(one.day[8:]) for one in meant if one.day]
    assert (max(days) > 12) is (kind == "mixed")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_correction_changes_what_is_meant(lab: Lab, seed: int):
    """So that the first of two lines is told apart from the last."""
    text, meant = part(lab, "orders").written(Random(seed), "mixed")
    first = dict[str, str]()
    for line in text.splitlines()[1:]:
        first.setdefault(line.split(",")[0], line)
    other = [o for o in meant if o.order and o.kilos and f"{o.kilos:,.1f}" not in first[o.order]]
    assert any(f"{o.kilos:g} kg" not in first[o.order or ""] for o in other)


def test_missing_keys_meet_and_a_group_of_them_is_left_out():
    table = pd.DataFrame({"city": ["Oslo", None, None], "n": [1, 2, 3]})
    assert len(table.merge(table, on="city")) == 5
    assert table.groupby("city")["n"].sum().sum() == 1
    assert len(table.drop_duplicates("city")) == 2


def test_the_day_first_swaps_a_day_that_is_written_year_first():
    mixed = pd.to_datetime(pd.Series(["2026-03-04"]), format="mixed", dayfirst=True)
    assert str(mixed[0].date()) == "2026-04-03"


def test_two_codes_read_as_one_number(lab: Lab):
    codes = part(lab, "orders").ALIKE
    read = pd.read_csv(io.StringIO("\n".join(["airport", *codes])))["airport"]
    assert read.nunique() == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_join_meets_every_kind_of_place(lab: Lab, seed: int):
    (case,) = part(lab, "cases").joins(Random(seed), 1)
    counts = [row[4] for row in case.expect]
    assert max(counts) > 1
    assert counts.count(0) == 5
    assert sum(row[1] is None and row[2] is None for row in case.expect) == 2
    cities = Counter(a.city for a in part(lab, "orders").airports())
    assert any(row[1] and row[4] and cities[row[1]] > row[4] for row in case.expect)


def test_calls_of_two_runs_are_kept_apart_and_one_without_an_end_has_no_time(lab: Lab):
    summed = part(lab, "log").summed
    text = "\n".join(
        [
            '{"run": "a"}',
            '{"at": 1.0, "event": {"kind": "tool_started", "call": {"id": "1", "name": "add"}}}',
            '{"at": 1.5, "event": {"kind": "tool_finished",'
            ' "result": {"call_id": "1", "error": null}}}',
            '{"run": "b"}',
            '{"at": 5.0, "event": {"kind": "tool_started", "call": {"id": "1", "name": "add"}}}',
        ]
    )
    assert summed(text) == [("add", None, 1, 0.5), ("add", "unfinished", 1, None)]


def test_a_total_is_that_of_what_is_known_and_of_nothing_it_is_none(lab: Lab):
    questions = part(lab, "questions")
    rows = [("1", "Oslo", "NY", 2.0, 5.0), ("2", "Oslo", "NY", None, 7.0), ("3", "A", "B", None, 1)]
    table = questions.Table(rows=rows, asked=(), straight=())
    assert table.total("kilos", "city", " oslo") == 2
    assert table.total("price", "state", "NY") == 12
    assert table.total("kilos", "city", "A") is None
    assert table.total("price", "city", "") is None


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_asked_straight_has_an_answer_and_has_none(lab: Lab, seed: int):
    table = part(lab, "questions").drawn(Random(seed))
    totals = [table.total(*call) for call in table.straight]
    assert totals.count(None) == 3
    assert len({row[1] for row in table.rows}) == len({row[2] for row in table.rows}) == 6
