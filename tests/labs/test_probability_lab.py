"""m0/probability: its chances sum to 1, its tables are as they should be, its halves are fair."""

from __future__ import annotations

import math
import sys
from random import Random
from types import ModuleType

import pytest

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

SEEDS = range(12)


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/probability", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


def test_what_follows_from_a_table_is_what_counting_pages_gives(lab: Lab):
    posterior = part(lab, "cases")._posterior
    prior = {"attack": 0.001, "harmless": 0.999}
    table = {"attack": {"alarm": 0.99}, "harmless": {"alarm": 0.01}}
    assert posterior(prior, table, ["alarm"])["attack"] == pytest.approx(99 / 1098)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_draw_of_tables_has_each_of_the_traps(lab: Lab, seed: int):
    step = lab.step("posterior")
    assert isinstance(step, CodeStep)
    cases = step.cases(Random(seed), step.graded)
    titles = " ".join(case.title for case in cases)
    assert all(word in titles for word in ("alarm", "causes", "never shows"))
    long = next(case for case in cases if case.title.endswith(" signs") and "," not in case.title)
    assert max(long.expect.values()) < 1 - 1e-4  # else any rule that picks one would do
    for case in cases:
        assert sum(case.expect.values()) == pytest.approx(1)
    assert any(0 in case.expect.values() for case in cases)


def test_our_counts_give_every_character_a_chance_and_sum_to_one(lab: Lab):
    texts = part(lab, "texts")
    counted = texts.counted()
    for before in ("", "the ", "zzqx", texts.unseen("tokens.md")[:50]):
        row = [counted.chance(before, symbol) for symbol in texts.symbols()]
        assert sum(row) == pytest.approx(1)
        assert min(row) > 0


def test_what_is_measured_on_was_never_counted_in(lab: Lab):
    texts = part(lab, "texts")
    assert all(texts.unseen(name)[:200] not in texts.seen() for name in texts.UNSEEN)


def test_a_longer_context_alone_is_worse_and_leaning_on_the_shorter_is_better(lab: Lab):
    """The surprise of the lesson, on a piece of text."""
    texts = part(lab, "texts")
    text, size = texts.unseen("tokens.md")[:200], len(texts.symbols())

    def leaning(order: int) -> float:
        counted = texts.counted(order)
        return -sum(math.log2(counted.chance(text[:at], text[at])) for at in range(6, 200)) / 194

    def alone(order: int) -> float:
        rows = [texts.counted(order).after(text[at - order : at]) for at in range(6, 200)]
        chances = [
            (row[text[at]] + 1) / (row.total() + size) for at, row in enumerate(rows, start=6)
        ]
        return -sum(map(math.log2, chances)) / 194

    assert leaning(4) < leaning(2) < leaning(0)
    assert alone(2) < alone(0) < alone(6)


def test_claims_are_judged_kind_by_kind(lab: Lab):
    judged = part(lab, "tools").judged
    asked = [("plus", 0.5, True), ("minus", 0.5, False), ("borrow", 0.5, False)]
    found = judged(asked, [0.9, 0.2, 0.5])
    assert found["kinds"]["plus"] == (0.9, 1, 1, pytest.approx(1 / 3))
    assert found["kinds"]["borrow"][3] == pytest.approx(-1)
    assert found["nats"] == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(0.5)) / 3)
    assert judged(asked, [0.9, 1.0, 0.5])["nats"] is None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_both_halves_of_the_claims_are_right_as_often_but_for_one(lab: Lab):
    known, asked = part(lab, "tools").claims_of(3)
    for kind in part(lab, "model").KINDS:
        both = [[right for k, _, right in half if k == kind] for half in (known, asked)]
        assert 0 <= sum(both[1]) - sum(both[0]) <= 1
    assert all(right for kind, _, right in known if kind == "plus")
    assert not all(right for kind, _, right in asked if kind == "plus")
    borrowed = [(claim, right) for kind, claim, right in (*known, *asked) if kind == "borrow"]
    assert sum(claim for claim, _ in borrowed) > 2 * sum(right for _, right in borrowed)
