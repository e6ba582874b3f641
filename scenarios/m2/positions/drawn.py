"""Arrays for the learner's functions, and the way into the sandbox and out of it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Drawn:
    """Arrays for the learner's functions.

    Attributes:
        given: the arrays, by name.
        told: what else the code in the sandbox is told.
        measured: what is to be known of what was made of them, and of what was said.
    """

    given: Mapping[str, Array]
    told: Mapping[str, Any]
    measured: Callable[[Mapping[str, Array], Mapping[str, Any]], dict[str, Any]]


def array_of(made: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    """An array that was made, if it is as it has to be.

    Raises:
        ToolError: it has another shape, or numbers that are none.
    """
    import numpy as np

    if name not in made or made[name].shape != shape:
        got = made[name].shape if name in made else "none"
        raise ToolError(f"of an array of {shape} it made one of {got}")
    if not np.isfinite(made[name]).all():
        raise ToolError("there are numbers in it that are none (nan or inf)")
    return made[name]


BEGIN = """import json, numpy
with numpy.load('given.npz') as _file:
    _given = {_name: _file[_name] for _name in _file.files}
_was = {_name: _one.copy() for _name, _one in _given.items()}
_told, _made, _said = json.load(open('told.json')), {}, {}
"""
END = """
_said['kept'] = all(bool((_was[_name] == _given[_name]).all()) for _name in _was)
numpy.savez('made.npz', **{_name: numpy.asarray(_one, dtype=float)
    for _name, _one in _made.items()})
print(json.dumps(_said))"""
