"""m0/calculus: its slopes are right, its bowls are turned, and its model is as the lesson says."""

from __future__ import annotations

import json
import sys
from random import Random
from types import ModuleType

import numpy as np
import pytest

from agentlab.backends.scripted import Scripted
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.runner import Grader, StepFinished
from agentlab.labs.values import CodeStep, Lab

MODEL = Scripted(["never asked"])
SEEDS = range(12)


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/calculus", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slopes_of_a_drawn_function_are_those_that_are_measured(lab: Lab, seed: int):
    functions = part(lab, "functions")
    rng = Random(seed)
    code = functions.drawn(rng, 5)
    x = [rng.uniform(-1.5, 1.5) for _ in range(5)]

    def f(at: np.ndarray) -> float:
        return float(eval(code, {"np": np, "x": at}))

    moves = 1e-5 * np.eye(5)
    measured = [(f(x + move) - f(x - move)) / 2e-5 for move in moves]
    assert functions.slopes(code, x) == pytest.approx(measured, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_number_of_a_bowl_tells_how_steep_it_is(lab: Lab, seed: int):
    rng = Random(seed)
    for size in (2, 3, 6):
        matrix, steepest = part(lab, "functions").bowl(rng, size)
        assert np.linalg.eigvalsh(np.array(matrix)).max() == pytest.approx(steepest)
        assert np.diag(np.array(matrix)).max() < (1 - 1e-6) * steepest
        assert np.trace(np.array(matrix)) > 1.2 * steepest


def test_every_kind_of_place_is_met_when_grading(lab: Lab):
    step = lab.step("gradient")
    assert isinstance(step, CodeStep)
    for seed in SEEDS:
        titles = " ".join(case.title for case in step.cases(Random(seed), step.graded))
        assert all(word in titles for word in ("near by", "whole", "two rows", "far out"))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_review_is_asked_about_that_was_learnt_from(lab: Lab, seed: int):
    reviews, cases = part(lab, "reviews"), part(lab, "cases")
    rng = Random(seed)
    known = reviews.drawn(rng, cases.KNOWN)
    fresh = reviews.drawn(rng, cases.ASKED, less=tuple(text for text, _ in known))
    texts = [text for text, _ in (*known, *fresh)]
    assert len(set(texts)) == len(texts) == cases.KNOWN + cases.ASKED
    assert sum(label for _, label in fresh) * 2 == cases.ASKED


def test_a_label_costs_what_its_chance_says_and_a_draw_is_not_right(lab: Lab):
    judged = part(lab, "tools").judged
    right, nats = judged([[2.0, 2.0 + np.log(3)], [1.0, 1.0]], [1, 0], 1.0, [0.0, 0.0])
    assert right == 1
    assert nats == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)
    assert judged([[900.0, 0.0]], [1], 1.0, [0.0, 0.0]) == (0, pytest.approx(900))


async def test_warnings_below_the_verdict_do_not_hide_it(lab: Lab):
    """A program that overflows warns last; it must be told its slopes are wrong, not its words."""
    step = lab.step("chain")
    assert isinstance(step, CodeStep)
    grader = Grader(lab=lab, backend=MODEL, runs=None, seed=3)
    async for event in grader.step_events(step, step.wrong["overflows"]):
        if isinstance(event, StepFinished):
            reasons = " ".join(check.reason for check in event.report.checks)
            assert "not" in reasons
            assert "RuntimeWarning" not in reasons


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_model_says_positive_to_every_review_and_tells_them_apart(lab: Lab):
    reviews = part(lab, "reviews")
    drawn = reviews.drawn(Random(1), 24)
    rows = np.array(reviews.scores([text for text, _ in drawn]))
    labels = np.array([label for _, label in drawn])
    gaps = rows[:, 0] - rows[:, 1]
    assert (gaps > 0).all()
    assert gaps[labels == 0].mean() > gaps[labels == 1].mean() + 0.8


async def test_both_descents_are_drawn_around_the_lowest_point(lab: Lab):
    step = lab.step("edge")
    assert isinstance(step, CodeStep)
    (case,) = step.cases(Random(5), 1)
    names: dict[str, object] = {}
    exec(step.solution.code, names)
    lines: list[str] = []
    exec(case.input, {**names, "print": lambda text: lines.append(str(text))})
    below, picture, above, _, told = lines
    assert "95%" in below
    assert "105%" in above
    assert "×" in picture
    assert all(digit in picture for digit in "0123")
    assert json.loads(told)["below"] < 1 < json.loads(told)["above"]
