"""What networks with a state come to, computed outside of the learner's program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Weights: TypeAlias = "Mapping[str, Array]"
"""`x` (inputs, wide), `h` (size, wide) and `b` (wide,); wide is the size, or 4 times that."""


def sigmoid(z: Array) -> Array:
    """From 0 to 1, without overflow."""
    import numpy as np

    return 0.5 * (1 + np.tanh(0.5 * z))


def rnn_step(x: Array, h: Array, w: Weights) -> Array:
    """The next state, (rows, size)."""
    import numpy as np

    return np.tanh(x @ w["x"] + h @ w["h"] + w["b"])


def gates_of(x: Array, h: Array, w: Weights) -> tuple[Array, Array, Array, Array]:
    """The three gates, in, forget and out, and what is proposed; each (rows, size)."""
    import numpy as np

    i, f, o, g = np.split(x @ w["x"] + h @ w["h"] + w["b"], 4, axis=1)
    return sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)


def lstm_step(x: Array, h: Array, c: Array, w: Weights) -> tuple[Array, Array]:
    """The next state and the next cell, (rows, size) each."""
    import numpy as np

    i, f, o, g = gates_of(x, h, w)
    new = f * c + i * g
    return o * np.tanh(new), new


def rnn_back(by_new: Array, new: Array, w: Weights) -> Array:
    """The slope by the state before, from that by the state after."""
    return (by_new * (1 - new * new)) @ w["h"].T


def lstm_back(
    by_h: Array, by_c: Array, kept: tuple[Array, Array, Array, Array, Array], w: Weights
) -> tuple[Array, Array]:
    """The slopes by state and cell before; kept is (c before, in, forget, out, proposed)."""
    import numpy as np

    c, i, f, o, g = kept
    t = np.tanh(f * c + i * g)
    by_c = by_c + by_h * o * (1 - t * t)
    by_z = (
        by_c * g * i * (1 - i),
        by_c * c * f * (1 - f),
        by_h * t * o * (1 - o),
        by_c * i * (1 - g * g),
    )
    return np.concatenate(by_z, axis=1) @ w["h"].T, by_c * f


def clipped(slopes: Mapping[str, Array], limit: float) -> dict[str, Array]:
    """All of them made shorter together, so that they are at most as long as the limit."""
    import numpy as np

    norm = float(np.sqrt(sum(float((slope**2).sum()) for slope in slopes.values())))
    return {name: slope * (limit / norm if norm > limit else 1.0) for name, slope in slopes.items()}


def share_right(w: Weights, length: int, seed: int, rows: int = 400) -> float:
    """How many lines of a length a net remembers the first symbol of, 0 to 1.

    Args:
        w: as above, with `out` (size, kinds) and `lean` (kinds,).
    """
    import numpy as np

    dice = np.random.default_rng(seed)
    kinds, symbols = len(w["lean"]), len(w["x"])
    lines = dice.integers(kinds, symbols, size=(rows, length))
    lines[:, 0] = dice.integers(kinds, size=rows)
    ones = np.eye(symbols)
    h = c = np.zeros((rows, len(w["h"])))
    for column in lines.T:
        if w["h"].shape[1] == len(w["h"]):
            h = rnn_step(ones[column], h, w)
        else:
            h, c = lstm_step(ones[column], h, c, w)
    said = (h @ w["out"] + w["lean"]).argmax(axis=1)
    return float((said == lines[:, 0]).mean())
