"""Nets on the judge's side: what a net gives, what in it is dead, and one to be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.digits import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
    Layers: TypeAlias = Sequence[tuple[Array, Array]]

FLAT = 0.0025
"""A sigmoid's slope below this is a hundredth of the steepest, 0.25: it is saturated."""
_HIDDEN, _ROUNDS, _STEP = 64, 10, 0.3
_ROWS = 20
"""So few that OpenBLAS multiplies on one thread. Several wait for each other on a busy machine."""


def forward(x: Array, layers: Layers, bend: str) -> list[Array]:
    """What every layer gives, (rows, neurons) each; the last gives chances."""
    import numpy as np

    given: list[Array] = []
    for number, (weights, bias) in enumerate(layers, 1):
        x = np.einsum("ri,io->ro", x, weights) + bias
        if number == len(layers):
            logs = x - np.logaddexp.reduce(x, axis=1)[:, None]
            x = np.exp(logs)
        elif bend == "relu":
            x = np.where(x > 0, x, 0.0)
        else:
            x = np.exp(-np.logaddexp(0, -x))
        given.append(x)
    return given


def dead(x: Array, layers: Layers) -> list[int]:
    """How many ReLUs of each hidden layer give 0 for every picture."""
    return [int((out.max(axis=0) == 0).sum()) for out in forward(x, layers, "relu")[:-1]]


def saturated(x: Array, layers: Layers) -> list[float]:
    """The share of what each hidden layer of sigmoids gives that has next to no slope."""
    hidden = forward(x, layers, "sigmoid")[:-1]
    return [float((out * (1 - out) < FLAT).mean()) for out in hidden]


def trained(x: Array, y: Array, seed: int) -> list[tuple[Array, Array]]:
    """A net of one hidden layer of ReLUs, its slopes written out by hand."""
    import numpy as np

    rng = np.random.default_rng(seed)
    one = rng.normal(size=(x.shape[1], _HIDDEN)) * (2 / x.shape[1]) ** 0.5
    two = rng.normal(size=(_HIDDEN, 10)) * (2 / _HIDDEN) ** 0.5
    lean, end = np.zeros(_HIDDEN), np.zeros(10)
    for _ in range(_ROUNDS):
        order = rng.permutation(len(x))
        for at in range(0, len(x), _ROWS):
            rows = order[at : at + _ROWS]
            hidden, gap = forward(x[rows], [(one, lean), (two, end)], "relu")
            gap[np.arange(len(rows)), y[rows]] -= 1
            gap /= len(rows)
            back = gap @ two.T * (hidden > 0)
            two -= _STEP * hidden.T @ gap
            end -= _STEP * gap.sum(axis=0)
            one -= _STEP * x[rows].T @ back
            lean -= _STEP * back.sum(axis=0)
    return [(one, lean), (two, end)]


NONSENSE = ("inverted", "quarters swapped", "points shuffled")


def spoiled(x: Array, how: str, rng: Any) -> Array:
    """Pictures made into none: black for white, their quarters or all their points moved."""
    import numpy as np

    half = SIDE // 2
    match how:
        case "inverted":
            return 1 - x
        case "quarters swapped":
            pictures = x.reshape(-1, SIDE, SIDE)
            return np.roll(pictures, (half, half), axis=(1, 2)).reshape(len(x), -1)
        case _:
            return rng.permuted(x, axis=1)


def drawing(pictures: Array) -> str:
    """Pictures side by side, two columns a point."""
    import numpy as np

    shades = " .:*#"
    lines: list[str] = []
    for row in np.asarray(pictures).reshape(-1, SIDE, SIDE).transpose(1, 0, 2):
        parts = ["".join(2 * shades[round(float(p) * 4)] for p in points) for points in row]
        lines.append(" | ".join(parts))
    return "\n".join(lines)
