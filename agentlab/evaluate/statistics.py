"""How sure one can be of a mean, and of a difference between two.

A sample asked several times (epochs) is one observation, its mean: answers to the same question
are not independent, and taking them for so would make every interval too narrow. Everything is
seeded: the same results give the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, lgamma, log, sqrt
from random import Random
from statistics import NormalDist, fmean
from typing import Literal, TypeAlias

Method: TypeAlias = Literal["bca", "percentile", "wilson", "normal", "none"]
RESAMPLES = 4000
LARGE = 2000
"""Samples beyond which a bootstrap takes seconds, and the normal interval is within 3 % of it."""
_NORMAL = NormalDist()
_NOTHING = 1e-17


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie.

    Attributes:
        low, high: None where nothing can be said, as of a single sample.
        method: how it was found; see `mean_interval`.
        n: how many samples it rests on.
    """

    mean: float
    low: float | None
    high: float | None
    method: Method
    n: int


def mean_interval(
    values: Sequence[float],
    *,
    seed: int = 0,
    confidence: float = 0.95,
    method: Literal["bca", "percentile"] = "bca",
    resamples: int = RESAMPLES,
) -> Interval:
    """The mean of some values and a bootstrap interval around it.

    `percentile` is Efron's first (1979); `bca` corrects it for bias and skew (Efron, "Better
    Bootstrap Confidence Intervals", JASA 82, 1987). Where all values are the same a bootstrap can
    not see beyond them: values that are all 0 or all 1 get Wilson's score interval (Wilson, JASA
    22, 1927), others none. Of more than `LARGE` values the mean is as good as normally distributed:
    Wilson's interval is given if each is 0 or 1, else the normal one. A bootstrap of a million
    values would take a quarter of an hour.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there is nothing to take the mean of")
    n, mean = len(values), fmean(values)
    same = min(values) == max(values)
    if (same or n > LARGE) and all(value in (0.0, 1.0) for value in values):
        low, high = wilson(round(sum(values)), n, confidence)
        return Interval(mean, low, high, "wilson", n)
    if same:
        return Interval(mean, None, None, "none", n)
    if n > LARGE:
        spread = sqrt(sum((value - mean) ** 2 for value in values)) / n
        half = spread * _NORMAL.inv_cdf(1 - (1 - confidence) / 2)
        low, high = max(min(values), mean - half), min(max(values), mean + half)
        return Interval(mean, low, high, "normal", n)
    random = Random(seed)  # noqa: S311 - the seed is the point
    means = sorted(fmean(random.choices(values, k=n)) for _ in range(resamples))
    tail = (1 - confidence) / 2
    tails = _corrected(values, mean, means, tail) if method == "bca" else None
    low, high = tails or (tail, 1 - tail)
    used: Method = "bca" if tails else "percentile"
    return Interval(mean, _quantile(means, low), _quantile(means, high), used, n)


def _corrected(
    values: Sequence[float], mean: float, means: Sequence[float], tail: float
) -> tuple[float, float] | None:
    """The tails BCa takes instead; None where its correction has no value."""
    below = sum(m < mean for m in means) + sum(m == mean for m in means) / 2
    share = below / len(means)
    if not 0 < share < 1:
        return None
    bias = _NORMAL.inv_cdf(share)
    # of the jackknife; for a mean, leaving a value out moves it by the value's own deviation
    gaps = [value - mean for value in values]
    scale = sum(gap**2 for gap in gaps) ** 1.5
    skew = sum(gap**3 for gap in gaps) / (6 * scale) if scale else 0.0

    def moved(at: float) -> float:
        z = bias + _NORMAL.inv_cdf(at)
        return _NORMAL.cdf(bias + z / (1 - skew * z))

    tails = moved(tail), moved(1 - tail)
    return tails if all(map(isfinite, tails)) and tails[0] < tails[1] else None


def _quantile(ordered: Sequence[float], at: float) -> float:
    place = at * (len(ordered) - 1)
    below = min(int(place), len(ordered) - 2)
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


def wilson(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); it never leaves 0 to 1."""
    z = _NORMAL.inv_cdf(1 - (1 - confidence) / 2)
    share = hits / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Comparison:
    """Two settings on the same samples.

    Attributes:
        difference: the second mean less the first, with its interval.
        better, worse: samples on which the second did better, or worse.
        test: `mcnemar` where every sample is either right or wrong, else `sign`.
        p: how likely so uneven a split is, if neither setting were the better one.
    """

    difference: Interval
    better: int
    worse: int
    test: Literal["mcnemar", "sign"]
    p: float


def paired(
    first: Sequence[float], second: Sequence[float], *, seed: int = 0, confidence: float = 0.95
) -> Comparison:
    """Compare two settings sample by sample.

    The interval is that of the differences of each sample. The test is two-sided and takes the
    exact distribution: McNemar's where each sample is right or wrong (McNemar, Psychometrika 12,
    1947), else the sign test (Dixon and Mood, JASA 41, 1946); on the samples that differ, both ask
    how likely so uneven a split would be in tossing a coin.

    Raises:
        ValueError: there are no samples, or not as many of one as of the other.
    """
    if len(first) != len(second):
        raise ValueError("a paired comparison needs the same samples on both sides")
    gaps = [b - a for a, b in zip(first, second, strict=True)]
    better, worse = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    binary = {*first, *second} <= {0.0, 1.0}
    difference = mean_interval(gaps, seed=seed, confidence=confidence)
    if difference.method == "wilson":  # it is a share's, and a difference is none
        difference = Interval(difference.mean, None, None, "none", difference.n)
    return Comparison(
        difference=difference,
        better=better,
        worse=worse,
        test="mcnemar" if binary else "sign",
        p=coin(better, worse),
    )


def coin(better: int, worse: int) -> float:
    """The two-sided probability that tossing a coin splits at least as unevenly."""
    n, few = better + worse, min(better, worse)
    largest = lgamma(n + 1) - lgamma(few + 1) - lgamma(n - few + 1) - n * log(2)
    # each term of the sum is the one above it times k / (n - k + 1); whole numbers of a comparison
    # of ten thousand samples would have thousands of digits
    tail = term = 1.0
    for k in range(few, 0, -1):
        term *= k / (n - k + 1)
        if term < _NOTHING * tail:
            break
        tail += term
    return min(1.0, 2 * tail * exp(largest))
