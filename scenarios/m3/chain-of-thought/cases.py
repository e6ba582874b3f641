"""The sums of this lab, drawn afresh from a seed, each with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random

from agentlab.labs import Case

_ALL = tuple(product(range(1, 6), repeat=3))
"""Three numbers from 1 to 5, in every order: 125 sums, none above 15."""


def sums(rng: Random, count: int) -> Sequence[Case]:
    """Sums of three small numbers, written as sums. No two are the same."""
    return [Case(as_sum(n), sum(n)) for n in rng.sample(_ALL, count)]


def orders(rng: Random, count: int) -> Sequence[Case]:
    """The same sums, told as orders that are to be carried out one by one."""
    return [Case(as_orders(n), sum(n)) for n in rng.sample(_ALL, count)]


def as_sum(numbers: Sequence[int]) -> str:
    """`What is 2 + 5 + 1?`"""
    return f"What is {' + '.join(map(str, numbers))}?"


def as_orders(numbers: Sequence[int]) -> str:
    """`Start with 2, add 5, add 1. What do you get?`"""
    first, *rest = numbers
    return f"Start with {first}, {', '.join(f'add {n}' for n in rest)}. What do you get?"
