"""m1/model-loss-optimizer: its costs have the slopes measured, its data is as the lesson says."""

from __future__ import annotations

import math
import sys
from random import Random
from types import ModuleType

import numpy as np
import pytest

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

SEEDS = range(6)


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/model-loss-optimizer", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = lab.step("losses")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


@pytest.mark.parametrize("kind", ["squared", "absolute", "log"])
def test_the_slope_expected_is_the_one_measured(lab: Lab, kind: str):
    cost = part(lab, "cases")._cost
    for guess in (-7.3, -0.4, 0.2, 5.1):
        for truth in (0.0, 1.0):
            measured = (
                cost(kind, guess + 1e-6, truth)[0] - cost(kind, guess - 1e-6, truth)[0]
            ) / 2e-6
            assert cost(kind, guess, truth)[1] == pytest.approx(measured, rel=1e-5, abs=1e-8)


def test_being_sure_and_wrong_costs_the_score_however_large(lab: Lab):
    cost = part(lab, "cases")._cost
    assert cost("log", 900.0, 0.0) == (900.0, 1.0)
    assert cost("log", -900.0, 1.0) == (900.0, -1.0)
    assert cost("log", 900.0, 1.0) == (0.0, 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_draw_has_a_score_that_overflows_on_either_side(lab: Lab, seed: int):
    step = lab.step("losses")
    assert isinstance(step, CodeStep)
    logs = [c for c in step.cases(Random(seed), step.graded) if c.title.startswith("log")]
    assert len(logs) == 2
    for case in logs:
        assert max(case.expect["costs"]) > 800
        assert 0.0 in [round(slope, 12) for slope in case.expect["slopes"]]


def test_the_first_move_expected_of_adam_is_as_long_as_its_step(lab: Lab):
    walk = part(lab, "cases")._walk
    for slope in (1e-3, 1.0, -1e5):
        went = walk("adam", {"step": 0.02, "keep": 0.9}, [1.0], [[slope]])
        assert went == pytest.approx([1 - math.copysign(0.02, slope)], rel=1e-6)


def test_momentum_expected_of_an_even_slope_adds_up(lab: Lab):
    walk = part(lab, "cases")._walk
    assert walk("momentum", {"step": 1.0, "keep": 0.5}, [0.0], [[1.0]] * 3) == [-1, -2.5, -4.25]


def test_a_fifth_of_the_readings_is_late_and_the_others_are_what_the_processor_worked(lab: Lab):
    rows = np.array(part(lab, "cases").timings())
    late = rows[:, 1] > 1.3 * rows[:, 2]
    assert (len(rows), late.sum()) == (300, 64)
    assert (rows[:, 1] > 0.99 * rows[:, 2]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_is_judged_by_none_of_the_readings_that_it_was_drawn_through(lab: Lab, seed: int):
    cases = part(lab, "cases")
    (case,) = cases.readings(Random(seed), 1)
    assert [len(others) for others in case.expect] == [300 - cases.TIMED] * cases.DRAWS
    assert not any(str(worked) in case.input for _, worked in case.expect[0][:40] if worked > 0.1)


def test_a_line_that_is_no_number_is_far_off_and_unsteady(lab: Lab):
    judging = part(lab, "judging")
    others = [[(10, 0.1), (20, 0.2)]] * 2
    assert judging.far_off({"lines": [[0.0, 0.01], [math.nan, math.nan]]}, others)
    assert judging.unsteady({"lines": [[0.0, 0.01], [0.0, math.nan]]}, others)
    assert judging.unsteady({"lines": [[0.0, 0.01], [0.0, -0.01]]}, others)
    assert judging.unsteady({"lines": [[0.0, -0.01], [0.0, -0.02]]}, others)
    assert judging.far_off({"lines": [[0.0, 0.01], [0.0, 0.0101]]}, others) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_no_review_is_tried_that_was_learnt_from(
    lab: Lab, seed: int, monkeypatch: pytest.MonkeyPatch
):
    tools, reviews = part(lab, "tools"), part(lab, "reviews")
    places = {text: float(n) for n, (text, _) in enumerate(reviews.REVIEWS)}
    monkeypatch.setattr(tools, "scores", lambda text: (places[text],) * 5)
    known, marked, fresh = tools.drawn(Random(seed))
    assert len(known) + len(fresh) == len({row for row, _ in (*known, *fresh)}) == 120
    assert sum(star > 5 for star in marked) == tools.OUT_OF_A_HUNDRED
    wrong = [(star, right) for star, (_, right) in zip(marked, known, strict=True) if star != right]
    assert all(star == 20 * right for star, right in wrong)
    assert all(stars == reviews.REVIEWS[int(row[0])][1] for row, stars in fresh)


def test_what_diverged_or_is_no_row_of_six_is_said_in_one_line(lab: Lab):
    tools = part(lab, "tools")
    good = [[0.0] * 6] * 5
    assert tools._learnt(f"printed\n{good}") == good
    for said, why in (
        (str([[0.0] * 5] * 5), "five weights"),
        (str(good[1:]), "five weights"),
        (str([[math.nan] + [0.0] * 5] * 5).replace("nan", "NaN"), "diverged"),
        ("nothing", "must return"),
    ):
        with pytest.raises(tools.ToolError, match=why):
            tools._learnt(said)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_model_gives_two_stars_to_nearly_everything(lab: Lab):
    reviews, tools = part(lab, "reviews"), part(lab, "tools")
    rows = [(reviews.scores(text), stars) for text, stars in reviews.REVIEWS]
    assert sum(row.index(max(row)) == 1 for row, _ in rows) >= 110
    assert tools.as_it_is(rows) > 1.3
