"""Graphs of operations, drawn from a seed, and their slopes by forward mode.

The learner's engine goes backward. What it is compared with goes forward: every number carries its
slopes along (dual numbers), so that nothing of the one can be wrong in the same way in the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

Operation = tuple[str, int, int]
"""What is done (`+`, `*`, `tanh`, `relu`), and to which nodes; 0 where there is no second."""


@dataclass(frozen=True)
class Graph:
    """Leaves, then one node for each operation; slopes are asked of the nodes in `ends`."""

    leaves: Sequence[float]
    operations: Sequence[Operation]
    ends: Sequence[int]

    @property
    def slopes(self) -> list[float]:
        """Of the sum of all ends, by each leaf."""
        count = len(self.leaves)
        numbers = list(self.leaves)
        slopes = [[float(n == leaf) for n in range(count)] for leaf in range(count)]
        for name, first, second in self.operations:
            number, by_first, by_second = _done(name, numbers[first], numbers[second])
            numbers.append(number)
            slopes.append(
                [
                    by_first * one + by_second * other
                    for one, other in zip(slopes[first], slopes[second], strict=True)
                ]
            )
        return [sum(slopes[end][leaf] for end in self.ends) for leaf in range(count)]


def _done(name: str, a: float, b: float) -> tuple[float, float, float]:
    """The result of an operation, and its slope by what went in."""
    match name:
        case "+":
            return a + b, 1.0, 1.0
        case "*":
            return a * b, b, a
        case "tanh":
            return math.tanh(a), 1 - math.tanh(a) ** 2, 0.0
        case _:
            return max(a, 0.0), float(a > 0), 0.0


def _leaves(rng: Random, count: int) -> list[float]:
    return [round(rng.uniform(0.3, 1.6) * rng.choice((-1, 1)), 3) for _ in range(count)]


def tree(rng: Random) -> Graph:
    """Nothing is used twice."""
    leaves = _leaves(rng, 6)
    loose, operations = list(range(6)), list[Operation]()
    rng.shuffle(loose)
    while len(loose) > 1:
        first, second = loose.pop(), loose.pop()
        operations.append((rng.choice("+*"), first, second))
        loose.insert(0, len(leaves) + len(operations) - 1)
        if rng.random() < 0.5:
            operations.append((rng.choice(("tanh", "relu")), loose.pop(0), 0))
            loose.insert(0, len(leaves) + len(operations) - 1)
    return Graph(leaves, operations, (len(leaves) + len(operations) - 1,))


def shared(rng: Random, ends: int = 1) -> Graph:
    """Most nodes are used more than once, near and far from the end."""
    leaves, operations = _leaves(rng, 4), list[Operation]()
    for _ in range(14):
        node = len(leaves) + len(operations)
        name = rng.choice(("+", "*", "*", "tanh"))
        first = node - 1
        second = rng.randrange(node) if name in "+*" else 0
        operations.append((name, first, second))
        if name == "*":
            operations.append(("tanh", node, 0))
    last = len(leaves) + len(operations) - 1
    return Graph(leaves, operations, (last, last - 4)[:ends])


def doubled(rng: Random, times: int = 40) -> Graph:
    """One number, added to itself over and over: few nodes, and more paths than could be walked."""
    leaves = _leaves(rng, 1)
    return Graph(leaves, [("+", n, n) for n in range(times)], (times,))


def chain(rng: Random, length: int = 5000) -> Graph:
    """One operation after another, as deep as a long text is for a recurrent network."""
    leaves = [*_leaves(rng, 1), 0.9995, 0.0004]
    operations = [
        ("*" if n % 2 else "+", 0 if n == 0 else n + 2, 1 if n % 2 else 2) for n in range(length)
    ]
    return Graph(leaves, operations, (length + 2,))
