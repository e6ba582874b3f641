"""m1/rnn-lstm: slopes that differences agree on, in both programs; and weights nobody can trust."""

from __future__ import annotations

import io
import sys
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import AgentStep, CodeStep, Lab

STEP = 1e-6


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/rnn-lstm", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


@pytest.fixture
def recurrent(lab: Lab) -> dict[str, Any]:
    """What the sandbox has as `recurrent.py`."""
    space: dict[str, Any] = {}
    exec(part(lab, "tools").NETS.read_text(encoding="utf-8"), space)
    return space


def differences(function: Any, array: Any) -> Any:
    """The slope of a number by an array that it is made of, place by place."""
    slope = np.zeros_like(array)
    for place in np.ndindex(*array.shape):
        was, ends = array[place], list[float]()
        for way in (STEP, -STEP):
            array[place] = was + way
            ends.append(float(function()))
        array[place] = was
        slope[place] = (ends[0] - ends[1]) / (2 * STEP)
    return slope


def test_the_judge_takes_an_rnn_back_as_differences_do(lab: Lab):
    nets, dice = part(lab, "nets"), np.random.default_rng(0)
    w = {"x": dice.normal(size=(2, 4)), "h": dice.normal(size=(4, 4)), "b": dice.normal(size=4)}
    x, h, by = dice.normal(size=(3, 2)), dice.normal(size=(3, 4)), dice.normal(size=(3, 4))

    def end() -> float:
        return float((nets.rnn_step(x, h, w) * by).sum())

    made = nets.rnn_back(by, nets.rnn_step(x, h, w), w)
    np.testing.assert_allclose(made, differences(end, h), atol=1e-7)


def test_the_judge_takes_an_lstm_back_as_differences_do(lab: Lab):
    nets, dice = part(lab, "nets"), np.random.default_rng(1)
    w = {"x": dice.normal(size=(2, 12)), "h": dice.normal(size=(3, 12)), "b": dice.normal(size=12)}
    x, (h, c, by_h, by_c) = dice.normal(size=(2, 2)), dice.normal(size=(4, 2, 3))

    def end() -> float:
        state, cell = nets.lstm_step(x, h, c, w)
        return float((state * by_h).sum() + (cell * by_c).sum())

    made = nets.lstm_back(by_h, by_c, (c, *nets.gates_of(x, h, w)), w)
    for one, given in zip(made, (h, c), strict=True):
        np.testing.assert_allclose(one, differences(end, given), atol=1e-7)


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_the_nets_in_the_sandbox_have_the_slopes_of_differences(
    recurrent: dict[str, Any], kind: str
):
    rng = np.random.default_rng(2)
    net = recurrent["Net"](kind, 3, rng)
    lines, right = recurrent["draw"](rng, 4, 6)
    _, slopes = net.slopes(lines, right)
    for name, array in net.w.items():
        wanted = differences(lambda: net.slopes(lines, right)[0], array)
        np.testing.assert_allclose(slopes[name], wanted, atol=1e-7, err_msg=name)
    assert len(net.blame) == 6


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_the_judge_reads_lines_as_the_nets_in_the_sandbox_do(
    lab: Lab, recurrent: dict[str, Any], kind: str
):
    net = recurrent["Net"](kind, 5, np.random.default_rng(3))
    dice = np.random.default_rng(4)
    lines = dice.integers(4, 8, size=(50, 12))
    lines[:, 0] = dice.integers(4, size=50)
    wanted = (net.scores(lines).argmax(axis=1) == lines[:, 0]).mean()
    assert part(lab, "nets").share_right(net.w, 12, 4, 50) == wanted


def test_clipping_keeps_the_direction_and_what_is_short(lab: Lab, recurrent: dict[str, Any]):
    slopes = {"h": np.array([[3.0, 0.0]]), "b": np.array([4.0])}
    for clip in (part(lab, "nets").clipped, recurrent["clip"]):
        made = clip(slopes, 1.0)
        np.testing.assert_allclose(made["h"], [[0.6, 0.0]])
        np.testing.assert_allclose(made["b"], [0.8])
        np.testing.assert_allclose(clip(slopes, 6.0)["b"], [4.0])


@pytest.mark.parametrize("seed", range(4))
def test_slopes_come_both_to_nothing_and_to_far_too_much(lab: Lab, seed: int):
    """Else a program that returns what it was given would do."""
    cases = part(lab, "cases").walks(Random(seed), 2)
    rnn, lstm = (case.expect["norms"] for case in cases)
    assert rnn[0][-1] < 1e-50
    assert rnn[2][-1] > 1e10
    assert lstm[0][-1] < 1e-20
    assert lstm[2][-1] > 1e-4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"h": np.zeros((16, 5))}, "other shapes"),
        ({"h": np.zeros(())}, "other shapes"),
        ({"lean": np.zeros(9)}, "other shapes"),
        ({"b": np.full(64, np.nan)}, "no numbers"),
        ({"b": np.array([{}] * 64)}, "can't be read"),
        ({"out": None}, "can't be read"),
    ],
)
def test_weights_that_are_none_are_refused_in_one_line(
    lab: Lab, recurrent: dict[str, Any], change: dict[str, Any], says: str
):
    read = part(lab, "tools")._weights
    weights = recurrent["Net"]("lstm", 16, np.random.default_rng(0)).w

    def packed(**parts: Any) -> bytes:
        file = io.BytesIO()
        np.savez(file, **{name: one for name, one in parts.items() if one is not None})
        return file.getvalue()

    assert set(read(packed(**weights))) == set(weights)
    with pytest.raises(ToolError, match=says) as raised:
        read(packed(**{**weights, **change}))
    assert "\n" not in str(raised.value)
    with pytest.raises(ToolError, match="can't be read"):
        read(b"no archive")


def test_every_line_begins_with_a_colour_and_has_no_other(lab: Lab):
    step = lab.step("look-back")
    assert isinstance(step, AgentStep)
    module = part(lab, "cases")
    cases = step.cases(Random(5), 8)
    assert {case.expect for case in cases} == set(module.COLOURS)
    for case in cases:
        first, *others = case.input.split()
        assert first == case.expect
        assert set(others) <= set(module.NOISE)
