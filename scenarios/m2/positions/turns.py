"""What the learner's turns are tried on, and what they must come to: made arrays, real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError

from . import packaged, places
from .drawn import BEGIN, END, Drawn, array_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

CLOSE = 1e-4
"""What a turned number may be off, against the largest."""
_SHIFT = 37


def _made(case: Mapping[str, Any]) -> Drawn:
    """Drawn questions and keys, of several widths, bases, pairs and first places."""
    import numpy as np

    rng = np.random.default_rng(case["seed"])
    given: dict[str, Array] = {}
    for n, one in enumerate(case["tries"]):
        given[f"q{n}"], given[f"k{n}"] = rng.normal(size=(2, 2, 3, one["tokens"], one["width"]))
        given[f"p{n}"] = np.arange(one["first"], one["first"] + one["tokens"])

    def measured(made: Mapping[str, Array], said: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, float] = dict.fromkeys(("zero", "longer", "moved", "off"), 0.0)
        for n, one in enumerate(case["tries"]):
            q, k = given[f"q{n}"], given[f"k{n}"]
            at, far, zero = (
                [array_of(made, f"{name}{when}{n}", q.shape) for name in "qk"] for when in "afz"
            )
            wanted = places.rotate(q, given[f"p{n}"], one["base"], one["pairs"])
            lengths = [np.linalg.norm(a, axis=-1) for a in (q, at[0])]
            there, here = (both[0] @ both[1].swapaxes(-1, -2) for both in (far, at))
            off = {
                "zero": np.abs(zero[0] - q).max(),
                "longer": np.abs(lengths[1] / lengths[0] - 1).max(),
                "moved": np.abs(there - here).max() / np.abs(q @ k.swapaxes(-1, -2)).max(),
                "off": np.abs(at[0] - wanted).max() / np.abs(wanted).max(),
            }
            found = {name: max(worst, float(off[name])) for name, worst in found.items()}
        settings = [_setting(one) for one in said.get("settings", [])]
        return {**found, "settings": settings, "kept": said.get("kept") is True}

    told = {"tries": case["tries"], "headers": case["headers"], "shift": _SHIFT}
    return Drawn(given, told, measured)


def _model(case: Mapping[str, Any]) -> Drawn:
    """The packaged model's own questions and keys, before their turn, and weights of theirs."""
    import numpy as np

    layer, cached = case["layer"], case["cached"]
    asked, weights = packaged.asked(case["text"], layer, cached), packaged.weights(layer)
    tokens = asked["q"].before.shape[1]
    x = np.random.default_rng(case["seed"]).normal(size=(tokens, weights["q"].shape[1]))
    given: dict[str, Array] = {"x": x.astype(np.float32)}
    given["p"] = np.arange(cached, cached + tokens)
    for name, one in asked.items():
        given[name], given[f"w{name}"] = one.before, weights[name]
    base, pairs = places.setting(packaged.header())

    def wanted(name: str) -> Array:
        """Questions or keys of `x`, turned in the order of the file."""
        rows = x @ weights[name].T.astype(float)
        heads = rows.reshape(tokens, -1, packaged.WIDTH).swapaxes(0, 1)
        return places.rotate(heads, given["p"], base, pairs)

    def measured(made: Mapping[str, Array], said: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"kept": said.get("kept") is True}
        for name, one in asked.items():
            off = np.abs(array_of(made, name, one.after.shape) - one.after).max()
            found[f"{name} off"] = float(off / np.abs(one.after).max())
        both = [array_of(made, f"half{name}", wanted(name).shape) for name in "qk"]
        scores, right = (_scores(*pair) for pair in (both, [wanted(name) for name in "qk"]))
        found["scores off"] = float(np.abs(scores - right).max() / np.abs(right).max())
        return found

    return Drawn(given, {"header": packaged.header(), "heads": packaged.HEADS}, measured)


def _scores(q: Array, k: Array) -> Array:
    """What each question makes of each key; a key serves several heads."""
    shared = k.repeat(len(q) // len(k), axis=0)
    return q @ shared.swapaxes(-1, -2)


def _setting(one: object) -> list[Any]:
    match one:
        case [int() | float() as base, str() as pairs]:
            return [float(base), pairs]
        case _:
            raise ToolError("setting must return a base and the name of the pairs")


DRAWN: Mapping[str, Callable[[Mapping[str, Any]], Drawn]] = {"made": _made, "model": _model}
GLUE: Mapping[str, str] = {
    "made": f"""{BEGIN}
for _n, _one in enumerate(_told['tries']):
    _p = _given[f'p{{_n}}']
    for _name in 'qk':
        for _when, _at in (('a', _p), ('f', _p + _told['shift']), ('z', 0 * _p)):
            _made[f'{{_name}}{{_when}}{{_n}}'] = rotate(
                _given[f'{{_name}}{{_n}}'], _at, _one['base'], _one['pairs'])
_said['settings'] = [[float(_b), str(_p)] for _b, _p in map(setting, _told['headers'])]
{END}""",
    "model": f"""{BEGIN}
_base, _pairs = setting(_told['header'])
for _name, _heads in _told['heads'].items():
    _made[_name] = rotate(_given[_name], _given['p'], _base, _pairs)
    _rows = _given['x'] @ numpy.asarray(reorder(_given['w' + _name], _heads)).T
    _rows = _rows.reshape(len(_rows), _heads, -1).swapaxes(0, 1)
    _made['half' + _name] = rotate(_rows, _given['p'], _base, 'halves')
{END}""",
}
"""What runs in the sandbox after the learner's program, by what is tried."""
