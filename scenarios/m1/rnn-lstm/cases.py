"""What the functions are tried on, drawn from a seed, and what they should come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.labs import Case

from . import nets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

BACK = (1, 5, 20, 50, 100, 200)
"""How many steps back the slope's norm is taken."""
COLOURS = ("red", "blue", "green", "gold")
NOISE = ("tick", "hum", "drip", "knock")
_SHAPES = ((1, 3, 4), (5, 4, 4), (3, 2, 6))
_READ = 30


def steps(rng: Random, count: int) -> Sequence[Case]:
    """Lines read by an RNN and an LSTM in turn, with nets of several shapes."""
    cases: list[Case] = []
    for n in range(count):
        kind = ("rnn", "lstm")[n % 2]
        tries = [(rng.randrange(1_000_000), *shape) for shape in _SHAPES]
        expect = {"what": kind, "ends": [_read(kind, *one) for one in tries]}
        code = _STEPS.format(kind=kind, tries=tries, read=_READ)
        cases.append(Case(code, expect, title=f"an {kind.upper()} that reads {_READ} steps"))
    return cases


def _read(kind: str, seed: int, rows: int, inputs: int, size: int) -> list[Any]:
    """The state at the end of a line, and the cell, drawn as in the sandbox."""
    import numpy as np

    dice, wide = np.random.default_rng(seed), size * (4 if kind == "lstm" else 1)
    w = {"x": dice.normal(size=(inputs, wide)), "h": dice.normal(size=(size, wide))}
    w["b"] = dice.normal(size=wide)
    line = dice.normal(size=(_READ, rows, inputs))
    h, c = dice.normal(size=(2, rows, size)) / 2
    for x in line:
        if kind == "rnn":
            h = nets.rnn_step(x, h, w)
        else:
            h, c = nets.lstm_step(x, h, c, w)
    return [h.tolist()] if kind == "rnn" else [h.tolist(), c.tolist()]


_STEPS = """import json, numpy
_ends, _kept = [], True
for _seed, _rows, _inputs, _size in {tries}:
    _dice, _wide = numpy.random.default_rng(_seed), _size * (4 if '{kind}' == 'lstm' else 1)
    _w = dict(x=_dice.normal(size=(_inputs, _wide)), h=_dice.normal(size=(_size, _wide)))
    _w['b'] = _dice.normal(size=_wide)
    _line = _dice.normal(size=({read}, _rows, _inputs))
    _state = tuple(_dice.normal(size=(2, _rows, _size)) / 2)
    for _x in _line:
        _was = [numpy.array(_one) for _one in (_x, *_state, *_w.values())]
        if '{kind}' == 'rnn':
            _new = (rnn_step(_x, _state[0], _w), _state[1])
        else:
            _new = lstm_step(_x, *_state, _w)
        _now = (_x, *_state, *_w.values())
        _kept = _kept and all(bool((a == b).all()) for a, b in zip(_was, _now))
        _state = _new
    _state = _state[:1] if '{kind}' == 'rnn' else _state
    _ends.append([numpy.asarray(_one, dtype=float).tolist() for _one in _state])
print(json.dumps(dict(ends=_ends, kept=_kept)))"""


def walks(rng: Random, count: int) -> Sequence[Case]:
    """Slopes taken back through an RNN and an LSTM, and slopes that are too long, in turn."""
    cases: list[Case] = []
    for n in range(count):
        seed, kind = rng.randrange(1_000_000), ("rnn", "lstm", "clip")[n % 3]
        match kind:
            case "rnn":
                tries = [(seed + k, gain) for k, gain in enumerate((0.5, 1.0, 1.5))]
                expect = {"what": kind, "norms": [_rnn_walk(*one) for one in tries]}
                code = _WALKS.format(tries=tries, back=BACK, walk=_RNN_WALK)
                title = "back through 200 steps of an RNN"
            case "lstm":
                tries = [(seed + k, bias) for k, bias in enumerate((0.0, 1.0, 5.0))]
                expect = {"what": kind, "norms": [_lstm_walk(*one) for one in tries]}
                code = _WALKS.format(tries=tries, back=BACK, walk=_LSTM_WALK)
                title = "back through 200 steps of an LSTM"
            case _:
                given = _slopes(seed)
                made = [nets.clipped(slopes, limit) for slopes, limit in given]
                expect = {"what": kind, "made": [_listed(one) for one in made]}
                code = _CLIP.format(
                    given=json.dumps([[_listed(slopes), limit] for slopes, limit in given])
                )
                title = "slopes too long, short enough, and nought"
        cases.append(Case(code, expect, title=title))
    return cases


def _rnn_walk(seed: int, gain: float) -> list[float]:
    """The norm of the slope so many steps back."""
    import numpy as np

    dice = np.random.default_rng(seed)
    w = {"h": gain * np.linalg.qr(dice.normal(size=(8, 8)))[0]}
    by, found = dice.normal(size=(3, 8)), dict[int, float]()
    for n in range(1, BACK[-1] + 1):
        by = nets.rnn_back(by, np.tanh(dice.normal(size=(3, 8)) / 4), w)
        found[n] = float(np.sqrt((by * by).sum()))
    return [found[n] for n in BACK]


_RNN_WALK = """
    _w = dict(h=_how * numpy.linalg.qr(_dice.normal(size=(8, 8)))[0])
    _by, _found = _dice.normal(size=(3, 8)), {}
    for _n in range(1, 201):
        _by = rnn_back(_by, numpy.tanh(_dice.normal(size=(3, 8)) / 4), _w)
        _found[_n] = float(numpy.sqrt((numpy.asarray(_by) ** 2).sum()))
"""


def _lstm_walk(seed: int, bias: float) -> list[float]:
    """The norm of the slopes by state and cell together, so many steps back."""
    import numpy as np

    dice = np.random.default_rng(seed)
    w = {"h": dice.normal(size=(6, 24)) / 8}
    by_h, by_c, found = dice.normal(size=(3, 6)), np.zeros((3, 6)), dict[int, float]()
    for n in range(1, BACK[-1] + 1):
        c, i, f, o, g = dice.normal(size=(5, 3, 6))
        kept = c, nets.sigmoid(i), nets.sigmoid(f + bias), nets.sigmoid(o), np.tanh(g)
        by_h, by_c = nets.lstm_back(by_h, by_c, kept, w)
        found[n] = float(np.sqrt((by_h * by_h).sum() + (by_c * by_c).sum()))
    return [found[n] for n in BACK]


_LSTM_WALK = """
    def _sigmoid(z):
        return 0.5 * (1 + numpy.tanh(0.5 * z))

    _w = dict(h=_dice.normal(size=(6, 24)) / 8)
    _by_h, _by_c, _found = _dice.normal(size=(3, 6)), numpy.zeros((3, 6)), {}
    for _n in range(1, 201):
        _c, _i, _f, _o, _g = _dice.normal(size=(5, 3, 6))
        _past = _c, _sigmoid(_i), _sigmoid(_f + _how), _sigmoid(_o), numpy.tanh(_g)
        _by_h, _by_c = map(numpy.asarray, lstm_back(_by_h, _by_c, _past, _w))
        _found[_n] = float(numpy.sqrt((_by_h ** 2).sum() + (_by_c ** 2).sum()))
"""
_WALKS = """import json, numpy
_norms = []
for _seed, _how in {tries}:
    _dice = numpy.random.default_rng(_seed)
{walk}
    _norms.append([_found[_n] for _n in {back}])
print(json.dumps(dict(norms=_norms)))"""


def _slopes(seed: int) -> list[tuple[dict[str, Array], float]]:
    """Slopes by name, each with the length that they may have together."""
    import numpy as np

    dice = np.random.default_rng(seed)
    given: list[tuple[dict[str, Array], float]] = []
    for scale, limit in ((300.0, 1.0), (0.01, 1.0), (5.0, 2.5), (0.0, 1.0)):
        given.append(({"h": scale * dice.normal(size=(3, 3)), "b": dice.normal(size=3)}, limit))
        given[-1][0]["b"] *= scale
    return given


def _listed(slopes: dict[str, Array]) -> dict[str, Any]:
    return {name: slope.tolist() for name, slope in slopes.items()}


_CLIP = """import json, numpy
_made, _kept = [], True
for _slopes, _limit in json.loads('''{given}'''):
    _slopes = {{_name: numpy.array(_one) for _name, _one in _slopes.items()}}
    _was = {{_name: _one.copy() for _name, _one in _slopes.items()}}
    _new = clip(_slopes, _limit)
    _kept = _kept and all(bool((_was[_name] == _slopes[_name]).all()) for _name in _was)
    _made.append({{_name: numpy.asarray(_new[_name], dtype=float).tolist() for _name in _was}})
print(json.dumps(dict(made=_made, kept=_kept)))"""


def trainings(rng: Random, count: int) -> Sequence[Case]:
    """Seeds to train with."""
    return [
        Case(json.dumps({"seed": rng.randrange(1_000_000)}), title=f"a network trained, {n + 1}")
        for n in range(count)
    ]


LENGTHS = (10, 30, 100)


def lines(rng: Random, count: int) -> Sequence[Case]:
    """Lines of words from short to long; `expect` is the first word."""
    cases: list[Case] = []
    colours: list[str] = []
    for n in range(count):
        colours = colours or rng.sample(COLOURS, len(COLOURS))
        first, length = colours.pop(), LENGTHS[n % len(LENGTHS)]
        words = (first, *(rng.choice(NOISE) for _ in range(length - 1)))
        cases.append(Case(" ".join(words), first, title=f"a line of {length} words"))
    return cases
