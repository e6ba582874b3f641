"""What the functions are tried on, drawn from a seed, and what they should come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.labs import Case

from . import graphs, rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_ABOUT = (
    "a tree: nothing is used twice",
    "nodes that are used more than once",
    "one number, added to itself 40 times over",
    "a chain of 5,000 operations",
    "two ends of one graph, one after the other",
    "nodes that are used more than once, again",
)


def engines(rng: Random, count: int) -> Sequence[Case]:
    """Graphs of every kind; `expect` has the slope of each leaf."""
    cases: list[Case] = []
    for n in range(count):
        kind = n % len(_ABOUT)
        match kind:
            case 0:
                graph = graphs.tree(rng)
            case 2:
                graph = graphs.doubled(rng)
            case 3:
                graph = graphs.chain(rng)
            case _:
                graph = graphs.shared(rng, ends=2 if kind == 4 else 1)
        code = _GRAPH.format(
            leaves=list(graph.leaves), operations=list(graph.operations), ends=list(graph.ends)
        )
        cases.append(Case(code, graph.slopes, title=_ABOUT[kind]))
    return cases


_GRAPH = """import json
_leaves = [Value(number) for number in {leaves}]
_nodes = list(_leaves)
for _name, _one, _other in {operations}:
    _one, _other = _nodes[_one], _nodes[_other]
    if _name == '+':
        _nodes.append(_one + _other)
    elif _name == '*':
        _nodes.append(_one * _other)
    else:
        _nodes.append(getattr(_one, _name)())
for _end in {ends}:
    _nodes[_end].backward()
print(json.dumps(dict(slopes=[float(leaf.grad) for leaf in _leaves])))"""


def arrays(rng: Random, count: int) -> Sequence[Case]:
    """Products, sums and losses in turn, of every kind of shape."""
    import numpy as np

    cases: list[Case] = []
    for n in range(count):
        seed, kind = rng.randrange(1_000_000), n // 3
        dice = np.random.default_rng(seed)
        match n % 3:
            case 0:
                shapes = _PRODUCTS[kind % len(_PRODUCTS)]
                a, b = (dice.normal(size=shape) for shape in shapes)
                grad = dice.normal(size=(a @ b).shape)
                name, call, right = "products", "matmul_back", rules.matmul_back(grad, a, b)
            case 1:
                shapes = _SUMS[kind % len(_SUMS)]
                a, b = (dice.normal(size=shape) for shape in shapes)
                grad = dice.normal(size=(a + b).shape)
                name, call, right = "sums", "add_back", rules.add_back(grad, a, b)
            case _:
                rows, scale = _LOSSES[kind % len(_LOSSES)]
                a = dice.normal(size=(rows, 7)) * scale
                b = dice.integers(7, size=rows)
                name, call, right = "losses", "surprise", rules.surprise(a, b)
                given = [_said(a), b.tolist()]
                title = f"{call}, {rows} rows, scores up to {abs(a).max():.0f}"
                cases.append(_array_case(name, call, given, right, title))
                continue
        title = f"{call} of {a.shape} and {b.shape}"
        given = [_said(grad), _said(a), _said(b)]
        cases.append(_array_case(name, call, given, right, title))
    return cases


_PRODUCTS = (((4, 3), (3, 5)), ((2, 4, 3), (3, 5)), ((3, 3), (3, 3)), ((2, 4, 3), (2, 3, 5)))
_SUMS = (((5, 4), (4,)), ((5, 1), (1, 4)), ((5, 4), ()), ((5, 4), (5, 4)))
_LOSSES = ((6, 1.0), (3, 900.0), (1, 3.0), (12, 2.0))


def _said(array: Array) -> Any:
    return array.tolist()


def _array_case(name: str, call: str, given: Any, right: Any, title: str) -> Case:
    code = _ARRAYS.format(call=call, given=json.dumps(given))
    expect = {"what": name, "made": [part.tolist() for part in right]}
    return Case(code, expect, title=title)


_ARRAYS = """import json, numpy
_given = [numpy.array(part) for part in {given}]
_kept = [part.copy() for part in _given]
_made = {call}(*_given)
print(json.dumps(dict(
    made=[numpy.asarray(part, dtype=float).tolist() for part in _made],
    kept=all(bool((a == b).all()) for a, b in zip(_given, _kept)),
)))"""


def leanings(rng: Random, count: int) -> Sequence[Case]:
    """Names to learn from, and fresh ones."""
    return [
        Case(
            json.dumps({"seed": rng.randrange(1_000_000)}),
            title=f"40 names, and 40 others, {n + 1}",
        )
        for n in range(count)
    ]
