"""What an answer is tried on: maps made of chance, nets to look through, digits drawn afresh."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

from . import net

WIDTH = 24
_CONVOLVED = ((1, 3, 3, 1, 0), (3, 2, 3, 1, 1), (2, 4, 2, 2, 0), (2, 3, 4, 3, 2), (1, 1, 1, 2, 0))
"""(channels, a, b, stride, padding) of filters; the sizes of pictures are drawn."""
_POOLED = ((2, 2), (3, 2), (3, 1), (2, 3))


def maps(rng: Random, count: int) -> Sequence[Case]:
    """Pictures of several channels and filters that are no squares; maps all below 0 to pool."""
    import numpy as np

    cases: list[Case] = []
    for _ in range(count):
        dice = np.random.default_rng(rng.randrange(1_000_000))
        tried: list[Any] = []
        for channels, a, b, stride, padding in _CONVOLVED:
            high, wide = dice.integers(6, 10, size=2).tolist()
            x = dice.normal(size=(2, channels, high, wide)).round(3)
            filters = dice.normal(size=(3, channels, a, b)).round(3)
            tried.append((x, filters, stride, padding))
        pooled: list[Any] = []
        for number, (size, stride) in enumerate(_POOLED):
            high, wide = dice.integers(6, 10, size=2).tolist()
            x = dice.normal(size=(2, 2, high, wide)).round(3)
            pooled.append((x - 5 if number % 2 else x, size, stride))
        expect = {
            "convolved": [net.conv2d(*one).tolist() for one in tried],
            "pooled": [net.max_pool(*one).tolist() for one in pooled],
            "how": [
                f"{f.shape[2]} by {f.shape[3]}, stride {s}, padding {p}" for _, f, s, p in tried
            ],
            "sizes": [f"size {size}, stride {stride}" for _, size, stride in pooled],
        }
        code = _MAPS.format(
            tried=json.dumps([(x.tolist(), f.tolist(), s, p) for x, f, s, p in tried]),
            pooled=json.dumps([(x.tolist(), *rest) for x, *rest in pooled]),
        )
        cases.append(Case(code, expect, title="five convolutions and four poolings"))
    return cases


def black_boxes(rng: Random, count: int) -> Sequence[Case]:
    """Nets of which each moves with the picture in another way, or does not."""
    cases: list[Case] = []
    for _ in range(count):
        odd, small, stride = rng.choice((3, 5)), rng.choice((2, 3, 4)), rng.choice((2, 3))
        nets = [
            [f"conv {small} 1 0", "relu"],
            [f"conv {odd} 1 {odd // 2}", "relu"],
            [f"conv {odd} 1 {odd // 2}", "relu", "conv 3 1 1"],
            [f"conv 3 {stride} 1"],
            [f"conv {small} 1 0", "relu", "pool 3 1"],
            ["conv 3 1 1", "relu", f"pool {stride} {stride}"],
            ["conv 3 1 0", "relu", "pool 2 2", "pool 2 2"],
            ["conv 3 1 1", "relu", "pool 2 2", "conv 3 1 1"],
            [f"conv {odd} 1 {odd // 2}", "relu", "peak"],
            ["conv 3 1 1", "relu", "mean"],
            ["conv 3 1 0", "relu", "pool 2 2", "mean"],
            [f"conv {odd} 1 {odd // 2}", "relu", "weigh"],
            ["dense"],
        ]
        rng.shuffle(nets)
        expect = [[", ".join(made), net.moves(made, WIDTH)] for made in nets]
        code = _BOXES.format(nets=json.dumps(nets), seed=rng.randrange(1_000_000))
        cases.append(Case(code, expect, title=f"{len(nets)} nets"))
    return cases


def shifts(rng: Random, count: int) -> Sequence[Case]:
    """Digits in the middle to learn from; others, in the middle and moved, to read."""
    title = "400 digits, in the middle and moved"
    return [_told(title, task="shifted", seed=rng.randrange(1_000_000)) for _ in range(count)]


def searches(rng: Random, count: int) -> Sequence[Case]:
    """Digits that lie somewhere among scraps of others."""
    title = "200 digits among scraps"
    return [_told(title, task="find", seed=rng.randrange(1_000_000)) for _ in range(count)]


def _told(title: str, **told: Any) -> Case:
    return Case(json.dumps(told), title=title)


_MAPS = """import json, numpy
_c = [
    conv2d(numpy.array(x), numpy.array(f), stride, padding) for x, f, stride, padding in {tried}
]
_p = [max_pool(numpy.array(x), size, stride) for x, size, stride in {pooled}]
def _listed(made):
    return [numpy.asarray(one, dtype=float).round(7).tolist() for one in made]
print(json.dumps(dict(convolved=_listed(_c), pooled=_listed(_p))))
"""
_BOXES = """import json, numpy
from numpy.lib.stride_tricks import sliding_window_view as _view
_dice = numpy.random.default_rng({seed})
def _made(part):
    kind, *sizes = part.split()
    sizes = [int(size) for size in sizes]
    if kind == 'conv':
        weights = _dice.normal(size=(sizes[0], sizes[0]))
        def conv(x, size, stride, padding):
            x = numpy.pad(x, ((0, 0), (padding, padding), (padding, padding)))
            seen = _view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
            return numpy.einsum('nyxab,ab->nyx', seen, weights)
        return lambda x: conv(x, *sizes)
    if kind == 'pool':
        size, stride = sizes
        return lambda x: _view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride].max((3, 4))
    if kind == 'dense':
        weights = _dice.normal(size=(24 * 24, 36))
        return lambda x: (x.reshape(len(x), -1) @ weights).reshape(-1, 6, 6)
    if kind == 'weigh':
        weights = _dice.uniform(1, 2, size=(24, 24))
        return lambda x: x * weights
    return dict(
        relu=lambda x: numpy.maximum(x, 0),
        peak=lambda x: x.max((1, 2), keepdims=True),
        mean=lambda x: x.mean((1, 2), keepdims=True),
    )[kind]
def _net(parts):
    parts = [_made(part) for part in parts]
    def run(x):
        x = numpy.array(x, dtype=float)
        if x.ndim != 3 or x.shape[1:] != (24, 24):
            raise ValueError(f'a net takes pictures (n, 24, 24), not {{x.shape}}')
        for part in parts:
            x = part(x)
        return x
    return run
_said = [moves(_net(parts)) for parts in {nets}]
print(json.dumps(dict(moves=[None if s is None else [int(n) for n in s] for s in _said])))
"""
