"""m1/neural-net: the judge's net is right, and what the lesson builds on is so."""

from __future__ import annotations

import sys
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.digits import digits, drawn


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/neural-net", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


@pytest.fixture
def engine(lab: Lab) -> dict[str, Any]:
    """What the sandbox has as `engine.py`."""
    space: dict[str, Any] = {}
    exec(part(lab, "tools").ENGINE.read_text(encoding="utf-8"), space)
    return space


def test_the_sigmoid_of_the_engine_has_the_slope_of_differences_and_never_overflows(
    engine: dict[str, Any],
):
    x, step = np.array([[-2.0, 0.0, 0.5, 4.0]]), 1e-6
    value = engine["Value"](x)
    value.sigmoid().backward()
    rise = engine["Value"](x + step).sigmoid().data - engine["Value"](x - step).sigmoid().data
    np.testing.assert_allclose(value.grad, rise / (2 * step), atol=1e-8)
    with np.errstate(all="raise"):
        assert engine["Value"](np.array([-1e4, 1e4])).sigmoid().data.tolist() == [0, 1]


@pytest.mark.parametrize("bend", ["relu", "sigmoid"])
def test_the_judges_net_and_that_of_the_sandbox_agree(lab: Lab, engine: dict[str, Any], bend: str):
    dice = np.random.default_rng(0)
    layers = [(dice.normal(size=(a, b)) * 20, dice.normal(size=b)) for a, b in ((6, 5), (5, 3))]
    x = dice.normal(size=(4, 6))
    ours, theirs = part(lab, "net").forward(x, layers, bend), engine["forward"](x, layers, bend)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    np.testing.assert_allclose(ours[-1].sum(axis=1), 1)


def test_dead_is_silent_for_all_and_saturated_is_flat_at_either_end(lab: Lab):
    net = part(lab, "net")
    x = np.array([[-1.0], [1.0]])
    layers = [
        (np.array([[1.0, 0.0, 0.0, 7.0]]), np.array([0.0, -1.0, 1.0, 0.0])),
        (np.zeros((4, 2)), np.zeros(2)),
    ]
    assert net.dead(x, layers) == [1]  # only the second: the first and the last speak for one
    assert net.saturated(x, layers) == [0.25]  # the last, for both rows


@pytest.mark.parametrize("seed", range(5))
def test_every_patient_has_what_each_wrong_way_of_counting_takes_for_dead(lab: Lab, seed: int):
    """Else counting weights, or silence for most pictures, would be right by luck."""
    (case,) = part(lab, "cases").patients(Random(seed), 1)
    assert all(dead[0] >= 1 for dead in case.expect["dead"])
    assert case.expect["dead"][1][1] >= 1
    assert all(0.05 < share[0] < 0.5 for share in case.expect["saturated"])


def test_known_and_fresh_digits_are_never_the_same_and_nonsense_has_the_ink_it_had(lab: Lab):
    net = part(lab, "net")
    pictures, _ = digits()
    assert len(np.unique(pictures, axis=0)) == len(pictures)
    x, y, fresh, right = drawn(5, 3000, 1000)
    assert (len(x), len(fresh)) == (3000, 1000)
    assert len(np.unique(np.concatenate([x, fresh]), axis=0)) == 4000
    assert set(y.tolist()) == set(right.tolist()) == set(range(10))
    dice = np.random.default_rng(0)
    for how in net.NONSENSE:
        spoiled = net.spoiled(fresh, how, dice)
        ink = 1 - spoiled if how == "inverted" else spoiled
        np.testing.assert_allclose(ink.sum(axis=1), fresh.sum(axis=1))
        assert not (spoiled == fresh).all(axis=1).any()


def test_the_net_is_sure_of_inverted_digits_and_distance_tells_them_apart(lab: Lab):
    net = part(lab, "net")
    x, y, fresh, right = drawn(0, 2000, 200)
    layers = net.trained(x, y, 0)
    chances = net.forward(fresh, layers, "relu")[-1]
    assert (chances.argmax(axis=1) == right).mean() > 0.87
    inverted = net.spoiled(fresh, "inverted", None)
    assert (net.forward(inverted, layers, "relu")[-1].max(axis=1) > 0.9).mean() > 0.25
    far = [((x - picture) ** 2).sum(axis=1).min() ** 0.5 for picture in inverted]
    near = [((x - picture) ** 2).sum(axis=1).min() ** 0.5 for picture in fresh]
    assert min(far) > 2 * max(near)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("The digit is 7.", "7"),
        ("The digit is not found.", "no digit"),
        ("There is no digit in it.", "no digit"),
        ("It is 3 or 8.", "It is 3 or 8."),
        ("A picture.", "A picture."),
    ],
)
def test_an_agent_says_one_digit_or_none_or_nothing_that_counts(lab: Lab, answer: str, says: str):
    assert part(lab, "reader")._says(answer) == says


def test_a_net_that_is_none_for_digits_is_refused_in_a_line(lab: Lab):
    layers = part(lab, "tools")._layers
    good = [[np.zeros((196, 5)).tolist(), [0] * 5], [np.zeros((5, 10)).tolist(), [0] * 10]]
    assert [bias.size for _, bias in layers(good)] == [5, 10]
    for said, why in (
        ([], "must give 10 scores"),
        (7, "list of layers"),
        (good[:1], "must give 10 scores"),
        (good[1:], "after 196 numbers"),
        ([good[0], [good[1][0], [float("nan")] * 10]], "nan or inf"),
    ):
        with pytest.raises(Exception, match=why) as raised:
            layers(said)
        assert "\n" not in str(raised.value)
