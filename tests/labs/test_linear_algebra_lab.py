"""m0/linear-algebra: what it says of the model's weights is so, and what it measures is right."""

from __future__ import annotations

import sys
from random import Random
from types import ModuleType

import numpy as np
import pytest

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m0/linear-algebra", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


def test_the_changes_have_the_rank_they_were_trained_with_and_the_weights_have_not(lab: Lab):
    weights, tasks = part(lab, "weights"), part(lab, "tasks")
    assert tasks.least_off(weights.change("blk.10.attn_q"), 16) < 1e-3
    assert tasks.least_off(weights.change("blk.10.attn_q"), 4) > 0.1
    assert tasks.least_off(weights.weight("blk.10.attn_q"), 16) > 0.8


def test_the_least_that_a_rank_is_off_is_what_the_decomposition_leaves(lab: Lab):
    tasks = part(lab, "tasks")
    matrix = np.random.default_rng(2).standard_normal((40, 70))
    u, sizes, v = np.linalg.svd(matrix, full_matrices=False)
    kept = (u[:, :7] * sizes[:7]) @ v[:7]
    assert tasks.least_off(matrix, 7) == pytest.approx(tasks.off(kept, matrix), rel=1e-6)


def test_a_turn_leaves_only_the_distance_in_a_dot_product(lab: Lab):
    tasks = part(lab, "tasks")
    q, k = np.random.default_rng(4).standard_normal((2, 1, 64))

    def seen(m: int, n: int) -> float:
        return float((tasks.turn_of(q, np.array([m])) @ tasks.turn_of(k, np.array([n])).T).item())

    assert seen(3, 8) == pytest.approx(seen(1003, 1008))
    assert seen(3, 8) != pytest.approx(seen(3, 30))


def test_square_weights_and_every_shape_are_met_when_grading(lab: Lab):
    step = lab.step("layer")
    assert isinstance(step, CodeStep)
    titles = " ".join(case.title for case in step.cases(Random(1), step.graded))
    assert all(word in titles for word in ("attn_q", "one vector", "a row", "a batch"))
