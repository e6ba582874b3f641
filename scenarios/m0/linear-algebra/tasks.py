"""What the learner's functions are given, drawn from a seed, and how far off they are.

Everything here runs outside of the sandbox; a function in it gets arrays and leaves arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .weights import BASE, HEAD, change, rows, weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_VOCABULARY = 49_152


@dataclass(frozen=True)
class Task:
    """One function to be tried.

    Attributes:
        call: how it is called with what it is given.
        given: its arguments, from what a case says.
        measured: what is to be known of what it returned; `told` is what the case says.
    """

    call: str
    given: Callable[[Mapping[str, Any]], dict[str, Array]]
    measured: Callable[[Mapping[str, Any], list[Array]], dict[str, Any]]


def off(found: Array, wanted: Array) -> float:
    """How far two arrays are apart, against how long the second is: 0 where they are equal."""
    import numpy as np

    gap = np.linalg.norm(np.asarray(found, np.float64) - np.asarray(wanted, np.float64))
    return float(gap / np.linalg.norm(np.asarray(wanted, np.float64)))


def _against(wanted: Array, made: list[Array]) -> dict[str, Any]:
    if len(made) != 1:
        return {"why": f"it returned {len(made)} arrays, not one"}
    (found,) = made
    if found.shape != wanted.shape:
        return {"why": f"its shape is {found.shape}, not {wanted.shape}"}
    return {"off": off(found, wanted)}


def _x(told: Mapping[str, Any]) -> Array:
    """Vectors of real tokens, in the shape that a case asks for."""
    import numpy as np

    rng = np.random.default_rng(told["seed"])
    shape = tuple(told["shape"])
    numbers = rng.integers(1000, _VOCABULARY, size=int(np.prod(shape[:-1], dtype=int)))
    return rows([int(n) for n in numbers])[:, : shape[-1]].reshape(shape)


def _layer_given(told: Mapping[str, Any]) -> dict[str, Array]:
    layer, kind = told["layer"], told["kind"]
    norm = "ffn_norm" if kind.startswith("ffn") else "attn_norm"
    return {
        "x": _x(told),
        "scale": weight(f"blk.{layer}.{norm}"),
        "weight": weight(f"blk.{layer}.{kind}"),
    }


def layer_of(x: Array, scale: Array, by: Array) -> Array:
    """What a layer makes of vectors: brought to one size, scaled, and multiplied by its weight."""
    import numpy as np

    x = np.asarray(x, np.float64)
    size = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    return (x / size * scale) @ np.asarray(by, np.float64).T


def _layer_measured(told: Mapping[str, Any], made: list[Array]) -> dict[str, Any]:
    given = _layer_given(told)
    return _against(layer_of(given["x"], given["scale"], given["weight"]), made)


def _without_given(told: Mapping[str, Any]) -> dict[str, Array]:
    import numpy as np

    x = _x(told)
    numbers = np.random.default_rng(told["seed"] + 1).integers(1000, _VOCABULARY, size=2000)
    return {"x": x, "direction": rows([int(n) for n in numbers]).mean(axis=0) * told["length"]}


def without_of(x: Array, direction: Array) -> Array:
    """Vectors with nothing left of a direction."""
    import numpy as np

    x, direction = np.asarray(x, np.float64), np.asarray(direction, np.float64)
    return x - (x @ direction)[..., None] * direction / (direction @ direction)


def _without_measured(told: Mapping[str, Any], made: list[Array]) -> dict[str, Any]:
    given = _without_given(told)
    return _against(without_of(given["x"], given["direction"]), made)


def _turn_given(told: Mapping[str, Any]) -> dict[str, Array]:
    import numpy as np

    first = told["first"]
    x = layer_of(_x({**told, "shape": [told["tokens"], 576]}), *_question(told["layer"]))
    head = told["head"] * HEAD
    return {
        "x": x[:, head : head + HEAD].astype(np.float32),
        "positions": np.arange(first, first + told["tokens"]) * told["every"],
    }


def _question(layer: int) -> tuple[Array, Array]:
    return weight(f"blk.{layer}.attn_norm"), weight(f"blk.{layer}.attn_q")


def turn_of(x: Array, positions: Array) -> Array:
    """Vectors with each pair of neighbours turned, by their position and the place of the pair."""
    import numpy as np

    angles = np.outer(positions, BASE ** (-np.arange(0, HEAD, 2) / HEAD))
    even, odd = np.asarray(x, np.float64)[:, 0::2], np.asarray(x, np.float64)[:, 1::2]
    turned = np.empty((len(x), HEAD))
    turned[:, 0::2] = even * np.cos(angles) - odd * np.sin(angles)
    turned[:, 1::2] = even * np.sin(angles) + odd * np.cos(angles)
    return turned


def _turn_measured(told: Mapping[str, Any], made: list[Array]) -> dict[str, Any]:
    import numpy as np

    given = _turn_given(told)
    found = _against(turn_of(given["x"], given["positions"]), made)
    if "off" in found:
        before, after = (np.linalg.norm(a, axis=1) for a in (given["x"], made[0]))
        found["stretched"] = float(np.abs(after / before - 1).max())
    return found


def _of(told: Mapping[str, Any]) -> Array:
    name = f"blk.{told['layer']}.{told['kind']}"
    return change(name) if told["what"] == "change" else weight(name)


def _halves_given(told: Mapping[str, Any]) -> dict[str, Array]:
    import numpy as np

    return {"weight": _of(told), "rank": np.array(told["rank"])}


def least_off(matrix: Array, rank: int) -> float:
    """What the best matrix of a rank still is off, by Eckart, Young and Mirsky."""
    import numpy as np

    matrix = np.asarray(matrix, np.float64)
    small = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
    energy = np.linalg.eigvalsh(small)[::-1].clip(min=0)
    return float(np.sqrt(energy[rank:].sum() / energy.sum()))


def _halves_measured(told: Mapping[str, Any], made: list[Array]) -> dict[str, Any]:
    if len(made) != 2:
        return {"why": f"it returned {len(made)} arrays, not B and A"}
    matrix, rank = _of(told), told["rank"]
    b, a = made
    wanted = ((matrix.shape[0], rank), (rank, matrix.shape[1]))
    if (b.shape, a.shape) != wanted:
        return {"why": f"the shapes are {b.shape} and {a.shape}, not {wanted[0]} and {wanted[1]}"}
    return {"off": off(b @ a, matrix), "least": least_off(matrix, rank)}


TASKS: Mapping[str, Task] = {
    "layer": Task("layer(x, scale, weight)", _layer_given, _layer_measured),
    "without": Task("without(x, direction)", _without_given, _without_measured),
    "turn": Task("turn(x, positions)", _turn_given, _turn_measured),
    "halves": Task("halves(weight, int(rank))", _halves_given, _halves_measured),
}
