"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random

from agentlab.labs import Case

TIMED = 120
"""Readings to draw a line through."""
KNOWN = 80
"""Reviews to learn from; the other 40 are to be tried on."""
DRAWS = 5
"""How often it is done anew, with other rows."""
Row = tuple[int, float, float]


def timings() -> list[Row]:
    """Tokens read, seconds by the clock, and seconds that the processor worked."""
    text = Path(__file__).with_name("timings.json").read_text(encoding="utf-8")
    return [(int(n), float(wall), float(worked)) for n, wall, worked in json.loads(text)]


def losses(rng: Random, count: int) -> Sequence[Case]:
    """Guesses and the truth, near and far; `expect` is each cost and its slope."""
    cases: list[Case] = []
    for n in range(count):
        kind, rows = ("squared", "absolute", "log")[n % 3], 2 + n % 2
        if kind == "log":
            truth = [float(rng.random() < 0.5) for _ in range(3 * rows)]
            truth[:4] = 0.0, 1.0, 1.0, 0.0
            guess = [round(rng.uniform(-4, 4), 3) for _ in truth]
            far = round(rng.uniform(30, 60), 1), round(rng.uniform(800, 900), 1)
            guess[:4] = far[0], -far[1], far[0], far[1]
        else:
            truth = [round(rng.uniform(-5, 5), 3) for _ in range(3 * rows)]
            guess = [round(t + rng.choice((-1, 1)) * rng.uniform(0.1, 60), 3) for t in truth]
            guess[-1] = truth[-1]
        pairs = [_cost(kind, g, t) for g, t in zip(guess, truth, strict=True)]
        expect = {"costs": [cost for cost, _ in pairs], "slopes": [slope for _, slope in pairs]}
        told = _LOSS.format(kind=kind, guess=guess, truth=truth, rows=rows)
        cases.append(Case(told, expect, title=f"{kind}, {3 * rows} guesses in {rows} rows"))
    return cases


def _cost(kind: str, guess: float, truth: float) -> tuple[float, float]:
    gap = guess - truth
    if kind == "squared":
        return gap**2, 2 * gap
    if kind == "absolute":
        return abs(gap), float((gap > 0) - (gap < 0))
    small = math.exp(-abs(guess))
    chance = 1 / (1 + small) if guess >= 0 else small / (1 + small)
    return max(guess, 0.0) - truth * guess + math.log1p(small), chance - truth


_LOSS = """import json, numpy as np
_guess, _truth = (np.array(_v).reshape({rows}, 3) for _v in ({guess}, {truth}))
_kept = _guess.copy(), _truth.copy()
_found = [np.asarray(_v, dtype=float) for _v in cost("{kind}", _guess, _truth)]
print(json.dumps(dict(costs=_found[0].ravel().tolist(), slopes=_found[1].ravel().tolist(),
    kept=bool((_guess == _kept[0]).all() and (_truth == _kept[1]).all()))))"""


def moves(rng: Random, count: int) -> Sequence[Case]:
    """Slopes as they come, tiny and huge; `expect` is where each of two walks goes."""
    cases: list[Case] = []
    for n in range(count):
        name = ("sgd", "momentum", "adam")[n % 3]
        step, keep = round(rng.uniform(0.01, 0.1), 4), round(rng.uniform(0.5, 0.95), 3)
        settings = {"step": step} if name == "sgd" else {"step": step, "keep": keep}
        sizes = [10.0 ** rng.choice((-5, 0, 3)) for _ in range(4)]
        slopes = [
            [[round(rng.gauss(0, 1), 3) * size for size in sizes] for _ in range(8)]
            for _ in range(2)
        ]
        starts = [[float(rng.randint(-3, 3)) for _ in sizes] for _ in range(2)]
        expect = [
            _walk(name, settings, start, walk) for start, walk in zip(starts, slopes, strict=True)
        ]
        told = _MOVES.format(name=name, settings=settings, starts=starts, slopes=slopes)
        cases.append(Case(told, expect, title=f"{name}, two walks of 8 steps"))
    return cases


def _walk(
    name: str, settings: dict[str, float], start: list[float], slopes: list[list[float]]
) -> list[float]:
    """Where it is after each move, one number after the other."""
    step, keep = settings["step"], settings.get("keep", 0.0)
    x, first, second, went = list(start), [0.0] * len(start), [0.0] * len(start), list[float]()
    for n, slope in enumerate(slopes, 1):
        for i, s in enumerate(slope):
            if name == "adam":
                first[i] = keep * first[i] + (1 - keep) * s
                second[i] = 0.999 * second[i] + 0.001 * s * s
                fair = math.sqrt(second[i] / (1 - 0.999**n)) + 1e-8
                x[i] -= step * first[i] / (1 - keep**n) / fair
            else:
                first[i] = keep * first[i] + s
                x[i] -= step * first[i]
        went += x
    return went


_MOVES = """import json, numpy as np
_slopes, _starts = np.array({slopes}), np.array({starts})
def _walk(x, slopes):
    move, went = {name}(**{settings}), []
    for slope in slopes:
        x = move(x, slope)
        went.append(np.array(x, dtype=float))
    return np.array(went)
_kept, _begun = _slopes.copy(), _starts.copy()
_alone = [_walk(_starts[0].copy(), _slopes[0])]
_one, _two, _x, _y, _both = {name}(**{settings}), {name}(**{settings}), *_starts, []
for _a, _b in zip(*_slopes):
    _x, _y = _one(_x, _a), _two(_y, _b)
    _both.append((np.array(_x, dtype=float), np.array(_y, dtype=float)))
print(json.dumps(dict(alone=_alone[0].ravel().tolist(),
    both=np.array(_both).transpose(1, 0, 2).reshape(2, -1).tolist(),
    kept=bool((_kept == _slopes).all() and (_begun == _starts).all()))))"""


def readings(rng: Random, count: int) -> Sequence[Case]:
    """Timings drawn five times; `expect` is what the processor worked in all others."""
    cases: list[Case] = []
    rows = timings()
    for _ in range(count):
        drawn = [rng.sample(range(len(rows)), TIMED) for _ in range(DRAWS)]
        known = [[rows[n][:2] for n in places] for places in drawn]
        others = [
            [(rows[n][0], rows[n][2]) for n in range(len(rows)) if n not in places]
            for places in map(set, drawn)
        ]
        told = _FIT.format(known=json.dumps(known))
        cases.append(Case(told, others, title=f"{DRAWS} draws of {TIMED} timings"))
    return cases


_FIT = """import json, numpy as np
_lines = []
for _rows in json.loads('{known}'):
    _start, _each = fit(*np.array(_rows).T)
    _lines.append([float(_start), float(_each)])
print(json.dumps(dict(lines=_lines)))"""


def lessons(rng: Random, count: int) -> Sequence[Case]:
    """Reviews to teach the model with, and others that it gives stars to."""
    title = f"{DRAWS} draws of {KNOWN} reviews, a tenth with stars out of 100"
    told = [json.dumps({"seed": rng.randrange(1_000_000)}) for _ in range(count)]
    return [Case(text, title=title) for text in told]
