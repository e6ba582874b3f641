"""Intervals that hold what they promise, and tests that count right."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.evaluate.statistics import LARGE, coin, mean_interval, paired, wilson

shares = st.lists(st.floats(0, 1), min_size=2, max_size=12)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(method):
    chance = Random(7)
    covered = 0
    for trial in range(300):
        values = [chance.betavariate(2, 1) for _ in range(30)]
        found = mean_interval(values, seed=trial, method=method, resamples=300)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 2 / 3 <= found.high
    assert 0.90 <= covered / 300 <= 0.985


def test_bca_leans_the_way_the_values_do():
    values = [1.0] * 18 + [0.0, 0.1]
    bca = mean_interval(values, method="bca")
    plain = mean_interval(values, method="percentile")
    assert bca.method == "bca"
    assert bca.low is not None
    assert plain.low is not None
    assert bca.low < plain.low


@given(shares, st.integers(0, 5))
def test_an_interval_holds_its_mean_and_stays_among_the_values(values, seed):
    found = mean_interval(values, seed=seed, resamples=200)
    assert found.mean == pytest.approx(fmean(values))
    if found.low is not None and found.high is not None:
        assert found.low <= found.high
        assert 0 <= found.low <= 1
        assert 0 <= found.high <= 1
    assert found == mean_interval(values, seed=seed, resamples=200)


def test_more_samples_make_a_narrower_interval():
    few, many = (mean_interval([0.0, 1.0] * n) for n in (10, 100))
    assert few.high - few.low > 2 * (many.high - many.low)  # type: ignore[operator]


def test_where_all_are_right_the_interval_still_leaves_room():
    found = mean_interval([1.0] * 10)
    assert found.method == "wilson"
    assert (found.low, found.high) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert mean_interval([0.5] * 10).low is None


def test_wilson_agrees_with_the_textbook():
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


@pytest.mark.parametrize("power", [1, 4], ids=["even", "skewed"])
def test_the_interval_of_many_values_is_nearly_that_of_a_bootstrap(power):
    chance = Random(power)
    values = [chance.random() ** power for _ in range(LARGE + 1)]
    many, fewer = mean_interval(values), mean_interval(values[:LARGE])
    assert (many.method, fewer.method) == ("normal", "bca")
    assert many.low is not None
    assert many.high is not None
    assert fewer.low is not None
    assert fewer.high is not None
    width = fewer.high - fewer.low
    assert many.low == pytest.approx(fewer.low, abs=0.05 * width)
    assert many.high == pytest.approx(fewer.high, abs=0.05 * width)


def test_the_interval_of_many_that_are_right_or_wrong_is_a_shares():
    few_wrong = mean_interval([0.0] * 3 + [1.0] * LARGE)
    assert few_wrong.method == "wilson"
    assert (few_wrong.low, few_wrong.high) == wilson(LARGE, LARGE + 3)


def test_a_coin_is_tossed_exactly():
    assert coin(0, 0) == coin(3, 3) == coin(10**6, 10**6) == 1.0
    exact = Fraction(2 * sum(comb(3000, k) for k in range(1451)), 2**3000)
    assert coin(1450, 1550) == pytest.approx(float(exact), rel=1e-10)
    assert coin(0, 10**6) == 0.0
    assert coin(5, 0) == coin(0, 5) == pytest.approx(2 / 32)
    assert coin(2, 8) == pytest.approx(2 * sum(comb(10, k) for k in range(3)) / 2**10)


def test_a_paired_comparison_sees_what_two_intervals_would_not():
    hard = [Random(n).random() for n in range(20)]
    first, second = [h * 0.8 for h in hard], [h * 0.8 + 0.05 for h in hard]
    found = paired(first, second)
    assert found.difference.mean == pytest.approx(0.05)
    assert (found.better, found.worse, found.test) == (20, 0, "sign")
    assert found.p < 1e-5
    alone = mean_interval(first)
    assert alone.high is not None
    assert alone.high > mean_interval(second).mean


def test_right_or_wrong_is_compared_by_mcnemar():
    found = paired([1.0, 1, 0, 0, 0, 0], [1.0, 0, 1, 1, 1, 0])
    assert (found.better, found.worse, found.test) == (3, 1, "mcnemar")
    assert found.p == pytest.approx(coin(3, 1))
    assert found.difference.low is not None


def test_no_difference_at_all_says_nothing_about_an_interval():
    found = paired([1.0, 0.0], [1.0, 0.0])
    assert (found.difference.mean, found.difference.low, found.p) == (0.0, None, 1.0)


def test_nothing_has_no_mean():
    with pytest.raises(ValueError, match="nothing"):
        mean_interval([])
    with pytest.raises(ValueError, match="same samples"):
        paired([1.0], [1.0, 0.0])
