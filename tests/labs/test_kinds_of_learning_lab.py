"""m1/kinds-of-learning: what it measures is right, and what its lesson builds on is so."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from draws import draws

from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/kinds-of-learning", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return sys.modules[steps[0].cases.__module__.replace("cases", name)]


def test_agreement_is_one_for_the_same_groups_under_other_numbers_and_about_none_by_chance(
    lab: Lab,
):
    agreement = part(lab, "measures").agreement
    groups = np.array([0, 0, 1, 1, 2, 2])
    assert agreement(groups, np.array([2, 2, 0, 0, 1, 1])) == 1
    # by hand: 4 pairs together in one, 3 in the other, 2 in both, of 10
    one, other = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2])
    assert agreement(one, other) == pytest.approx((1 - 4 * 2 / 10) / ((4 + 2) / 2 - 4 * 2 / 10))
    rng = np.random.default_rng(0)
    by_chance = [agreement(*rng.integers(4, size=(2, 200))) for _ in range(50)]
    assert abs(float(np.mean(by_chance))) < 0.01


def test_spread_is_the_squared_distance_from_the_means(lab: Lab):
    spread = part(lab, "measures").spread
    x = np.array([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])
    assert spread(x, np.array([0, 0, 1])) == 2
    assert spread(x, np.array([1, 0, 1])) == 25


def test_the_groups_of_people_are_less_close_than_those_that_were_found(lab: Lab):
    measures, data = part(lab, "measures"), part(lab, "data")
    x, groups = data.emoji().vectors, data.emoji().groups
    found = [measures.k_means(x, 4, np.random.default_rng(seed)) for seed in range(20)]
    spreads = [measures.spread(x, one) for one in found]
    assert max(spreads) < measures.spread(x, groups)
    agree = [measures.agreement(groups, one) for one in found]
    assert np.corrcoef(spreads, agree)[0, 1] < -0.6


def test_a_draw_has_so_many_of_each_group_and_none_twice(lab: Lab):
    data = part(lab, "data")
    rows = data.drawn(3, 40)
    assert len(set(rows.tolist())) == 160
    assert np.bincount(data.emoji().groups[rows]).tolist() == [40] * 4


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", draws())
async def test_the_mixed_examples_are_the_best_prompt_on_any_draw(lab: Lab, seed: int):
    """Else a chooser that finds the best would be rejected."""
    agents = part(lab, "agents")
    async with part(lab, "live").Rewards.open(seed, 1) as rewards:
        rates: dict[str, float] = {}
        for prompt in agents.PROMPTS:
            for _ in rewards.names:
                await rewards.of([prompt])
            rates[prompt] = rewards.rate(prompt)
    best = rates.pop(agents.BEST)
    assert best > max(rates.values()) + 0.1
