"""m1/backprop: slopes that two ways agree on, and an engine that does what PyTorch would."""

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

STEP = 1e-6


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/backprop", lab_roots()))


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


def value_of(graphs: ModuleType, graph: Any, leaves: list[float]) -> float:
    """The sum of a graph's ends, computed anew."""
    numbers = list(leaves)
    for name, first, second in graph.operations:
        a, b = numbers[first], numbers[second]
        numbers.append({"+": a + b, "*": a * b, "tanh": np.tanh(a), "relu": max(a, 0.0)}[name])
    return sum(numbers[end] for end in graph.ends)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["tree", "shared", "two ends"])
def test_forward_slopes_are_those_of_differences(lab: Lab, seed: int, kind: str):
    graphs, rng = part(lab, "graphs"), Random(seed)
    if kind == "tree":
        graph = graphs.tree(rng)
    else:
        graph = graphs.shared(rng, ends=2 if kind == "two ends" else 1)
    for n, slope in enumerate(graph.slopes):
        up, down = ([x + s * (m == n) for m, x in enumerate(graph.leaves)] for s in (STEP, -STEP))
        rise = value_of(graphs, graph, up) - value_of(graphs, graph, down)
        assert slope == pytest.approx(rise / (2 * STEP), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_every_shared_graph_has_a_node_that_is_used_twice(lab: Lab, seed: int):
    """Else an engine that keeps the last blame only would pass."""
    graph = part(lab, "graphs").shared(Random(seed))
    used = [n for name, a, b in graph.operations for n in ((a, b) if name in "+*" else (a,))]
    assert len(used) > len(set(used))


def differences(function: Any, arrays: list[Any], n: int) -> Any:
    """The slope of the sum of what a function makes, by its n-th array, number by number."""
    slope = np.zeros_like(arrays[n])
    for place in np.ndindex(*arrays[n].shape):
        ends: list[float] = []
        for way in (STEP, -STEP):
            moved = [one.copy() for one in arrays]
            moved[n][place] += way
            ends.append(float(function(*moved)))
        slope[place] = (ends[0] - ends[1]) / (2 * STEP)
    return slope


def test_the_rules_are_those_of_differences(lab: Lab):
    cases, rules = part(lab, "cases"), part(lab, "rules")
    dice = np.random.default_rng(0)
    for pairs, made, back in (
        (cases._PRODUCTS, np.matmul, rules.matmul_back),
        (cases._SUMS, np.add, rules.add_back),
    ):
        for shapes in pairs:
            arrays = [np.asarray(dice.normal(size=shape)) for shape in shapes]
            grad = dice.normal(size=np.asarray(made(*arrays)).shape)
            for n, slope in enumerate(back(grad, *arrays)):
                wanted = differences(lambda a, b, f=made, g=grad: (f(a, b) * g).sum(), arrays, n)
                np.testing.assert_allclose(slope, wanted, atol=1e-7)
                assert slope.shape == arrays[n].shape


def test_the_loss_has_the_slope_of_differences_and_holds_for_large_scores(lab: Lab):
    surprise = part(lab, "rules").surprise
    scores, right = np.random.default_rng(1).normal(size=(4, 5)), np.array([0, 4, 2, 2])
    loss, slope = surprise(scores, right)
    wanted = differences(lambda s: surprise(s, right)[0], [scores], 0)
    np.testing.assert_allclose(slope, wanted, atol=1e-8)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert float(loss) == pytest.approx(-np.log(chances[range(4), right]).mean())
    assert np.isfinite(surprise(scores * 1e4, right)[1]).all()


def test_the_engine_in_the_sandbox_has_the_slopes_of_differences(engine: dict[str, Any]):
    dice, right = np.random.default_rng(2), np.array([1, 0, 2])
    arrays = [dice.normal(size=shape) for shape in ((3, 4), (4, 5), (5,), (5, 3))]

    def loss(*given: Any) -> Any:
        x, one, lean, two = map(engine["Value"], given)
        return ((x @ one + lean).relu() @ two).surprise(right), (x, one, lean, two)

    made, values = loss(*arrays)
    made.backward()
    for n, value in enumerate(values):
        wanted = differences(lambda *given: loss(*given)[0].data, arrays, n)
        np.testing.assert_allclose(value.grad, wanted, atol=1e-7)
    before = values[0].grad.copy()
    made.backward()
    np.testing.assert_allclose(values[0].grad, 2 * before)  # it adds up, as in PyTorch
