"""Answers to `prove`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_EXACT = '''\
from math import comb


def verdict(before, after):
    """By the questions that changed: as if a coin had been thrown for each (McNemar, 1947)."""
    up = sum(b < a for b, a in zip(before, after))
    down = sum(b > a for b, a in zip(before, after))
    n, few = up + down, min(up, down)
    chance = min(1, 2 * sum(comb(n, k) for k in range(few + 1)) / 2**n)
    if chance >= 0.05:
        return "not shown"
    return "better" if up > down else "worse"
'''
_BOOTSTRAP = """\
import numpy as np


def verdict(before, after):
    change = np.subtract(after, before)
    n = len(change)
    if n < 6:
        return "not shown"
    rng = np.random.default_rng(0)
    means = change[rng.integers(n, size=(2000, n))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return "better" if low > 0 else "worse" if high < 0 else "not shown"
"""
_SIGNS = '''\
import numpy as np


def verdict(before, after):
    """By how often chance signs would do as well (Fisher, 1935)."""
    change = np.subtract(after, before)
    signs = np.random.default_rng(0).choice([-1, 1], size=(4000, len(change)))
    sums = np.abs((signs * change).sum(axis=1))
    if (1 + (sums >= abs(change.sum())).sum()) / 4001 >= 0.05:
        return "not shown"
    return "better" if change.sum() > 0 else "worse"
'''
_T = """\
from statistics import fmean, stdev


def verdict(before, after):
    change = [a - b for b, a in zip(before, after)]
    mean, n = fmean(change), len(change)
    if n < 6:
        return "not shown"
    off = 2.0 * stdev(change) / n**0.5
    return "better" if mean - off > 0 else "worse" if mean + off < 0 else "not shown"
"""
_APART = """\
def verdict(before, after):
    n = len(before)
    p, q = sum(before) / n, sum(after) / n
    off = 2 * ((p * (1 - p) + q * (1 - q)) / n) ** 0.5
    if n < 6:
        return "not shown"
    return "better" if q - p > off else "worse" if p - q > off else "not shown"
"""

_STARTER = '''\
def verdict(before, after):
    """`better`, `worse` or `not shown`, by 0 or 1 for each question, in the same order."""
    return "better" if sum(after) > sum(before) else "worse"
'''

PROVE = programs(
    starter=_STARTER,
    solution=_EXACT,
    also={"by-a-bootstrap": _BOOTSTRAP, "by-signs": _SIGNS, "by-its-spread": _T},
    wrong={
        "two-apart": _APART,
        "a-fiftieth-will-do": (
            "def verdict(before, after):\n"
            "    gain = (sum(after) - sum(before)) / len(before)\n"
            '    return "better" if gain > 0.02 else "worse" if gain < -0.02 else "not shown"\n'
        ),
        "each-counted-three-times": _EXACT.replace(
            "zip(before, after)", "zip(before * 3, after * 3)"
        ),
        "never-sure": 'def verdict(before, after):\n    return "not shown"\n',
        "never-worse": _EXACT.replace(
            'return "better" if up > down else "worse"', 'return "better"'
        ),
        "asks-for-a-spread": _T.replace(
            "    if n < 6:\n", "    if n < 6 or len(set(change)) == 1:\n"
        ),
    },
    mistakes={
        "two-apart": "sees",
        "a-fiftieth-will-do": "honest",
        "each-counted-three-times": "honest",
        "never-sure": "sees",
        "never-worse": "loss",
        "asks-for-a-spread": "ends",
    },
)
