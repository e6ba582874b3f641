"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

from .functions import bowl, drawn, slopes

_PLACES = ("near by", "whole numbers", "in two rows", "far out")
KNOWN = 24
ASKED = 48


def functions(rng: Random, count: int) -> Sequence[Case]:
    """Functions and places; `expect` is the gradient there."""
    cases: list[Case] = []
    for n in range(count):
        place = _PLACES[n % len(_PLACES)]
        size = 6 if place == "in two rows" else rng.randint(2, 5)
        code = drawn(rng, size, far=place == "far out")
        if place == "whole numbers":
            x = [float(rng.choice((-2, -1, 1, 2))) for _ in range(size)]
        elif place == "far out":
            x = [rng.choice((-1, 1)) * rng.uniform(1, 9) * 10**6 for _ in range(size)]
        else:
            x = [round(rng.uniform(-1.5, 1.5), 3) for _ in range(size)]
        kind = "int" if place == "whole numbers" else "float"
        shape = (2, 3) if place == "in two rows" else (size,)
        told = _GRADIENT.format(code=code, x=x, kind=kind, shape=shape)
        expect = {"shape": list(shape), "slopes": slopes(code, x)}
        cases.append(Case(told, expect, title=f"{size} numbers, {place}"))
    return cases


_GRADIENT = """import json, numpy as np
_asked = 0
def _f(x):
    global _asked
    _asked += 1
    x = np.asarray(x).ravel()
    return {code}
_x = np.array({x}).astype({kind}).reshape({shape})
_kept = _x.copy()
_found = np.asarray(gradient(_f, _x))
print(json.dumps(dict(shape=list(_found.shape), slopes=_found.astype(float).ravel().tolist(),
    kept=bool((_x == _kept).all()), asked=_asked)))"""


def losses(rng: Random, count: int) -> Sequence[Case]:
    """Scores as large as a model's, with the right labels; `expect` is the loss and its slopes."""
    import numpy as np

    cases: list[Case] = []
    for n in range(count):
        labels, rows = ((2, 12), (3, 1), (5, 30))[n % 3]
        draw = np.random.default_rng(rng.randrange(10**6))
        scores = np.round(18 + 3 * draw.standard_normal((rows, labels)), 3)
        right = draw.integers(0, labels, rows)
        scale = (1.0, round(rng.uniform(0.3, 0.8), 2), round(rng.uniform(40, 60), 1))[n % 3]
        bias = np.round(draw.standard_normal(labels), 2)
        shifted = scale * scores + bias
        shifted -= shifted.max(axis=1, keepdims=True)
        chances = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        gap = chances - np.eye(labels)[right]
        nats = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(rows), right]
        expect = {
            "loss": float(nats.mean()),
            "scale": float((gap * scores).sum() / rows),
            "bias": (gap.sum(axis=0) / rows).tolist(),
        }
        told = _LOSS.format(
            scores=scores.tolist(), right=right.tolist(), scale=scale, bias=bias.tolist()
        )
        title = f"{rows} {'row' if rows == 1 else 'rows'} of {labels} scores, scale {scale:g}"
        cases.append(Case(told, expect, title=title))
    return cases


_LOSS = """import json, numpy as np
_given = np.array({scores}), np.array({right}), {scale}, np.array({bias})
_kept = [np.copy(part) for part in _given]
_loss, _scale, _bias = loss_and_slopes(*_given)
print(json.dumps(dict(loss=float(_loss), scale=float(_scale),
    bias=np.asarray(_bias, dtype=float).tolist(), shape=list(np.shape(_bias)),
    kept=all(bool((one == other).all()) for one, other in zip(_given, map(np.asarray, _kept))))))"""


def bowls(rng: Random, count: int) -> Sequence[Case]:
    """Bowls as steep and as wide as they come; what happens in them is seen when it is run."""
    cases: list[Case] = []
    for n in range(count):
        size = 2 + n % 5
        matrix, steepest = bowl(rng, size)
        lowest = [round(rng.uniform(-3, 3), 2) for _ in range(size)]
        told = _EDGE.format(matrix=matrix, lowest=lowest)
        title = f"a bowl in {size} directions, {steepest:.2g} steep"
        cases.append(Case(told, None, title=title))
    return cases


_EDGE = """import json, numpy as np
_matrix, _lowest = np.array({matrix}), np.array({lowest})
def _gradient(x):
    return _matrix @ (np.asarray(x, dtype=float) - _lowest)
_start = _lowest + np.linspace(1, 2, len(_lowest))
_edge = float(longest_step(_gradient, _start.copy()))
_, _axes = np.linalg.eigh(_matrix)
def _walk(step):
    x, path = _start.copy(), []
    for _ in range(400):
        path.append(_axes.T[[0, -1]] @ (x - _lowest))
        with np.errstate(all="ignore"):
            x = x - step * _gradient(x)
    far = np.linalg.norm(x - _lowest) / np.linalg.norm(_start - _lowest)
    return path[:10], float(np.nan_to_num(far, nan=1e300, posinf=1e300))
def _drawn(path, high=9, wide=57):
    size = np.abs(path).max(axis=0) + 1e-12
    rows = [[" "] * wide for _ in range(high)]
    rows[high // 2][wide // 2] = "×"
    for number, (flat, steep) in reversed(list(enumerate(path))):
        row = round((1 - steep / size[1]) / 2 * (high - 1))
        rows[row][round((1 + flat / size[0]) / 2 * (wide - 1))] = str(number)
    return "\\n".join("".join(row).rstrip() for row in rows)
_ends = []
for _share in (0.95, 1.05):
    _path, _far = _walk(_share * _edge)
    _ends.append(_far)
    print(f"{{_share:.0%}} of your step: after 400 steps {{_far:.2g}} times as far from ×")
    print(_drawn(np.nan_to_num(_path, nan=1e9, posinf=1e9, neginf=-1e9)))
print(json.dumps(dict(below=_ends[0], above=_ends[1], step=_edge)))"""


def corrections(rng: Random, count: int) -> Sequence[Case]:
    """Reviews to learn from, and others to be judged on; drawn by the tool that asks the model."""
    return [
        Case(
            json.dumps({"seed": rng.randrange(10**6), "known": KNOWN, "asked": ASKED}),
            title=f"{KNOWN} reviews to learn from, {ASKED} others, draw {n + 1}",
        )
        for n in range(count)
    ]
