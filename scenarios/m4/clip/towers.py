"""What trains two towers, for the sandbox and for the judge.

adam = Adam([one, other])
loss, slope, back = contrast(x @ one, y @ other, temperature=0.1)
adam.step([x.T @ slope, y.T @ back])                # one and other have changed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np  # noqa: TID253 - imported when something is run, never with the lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def unit(rows: Array) -> Array:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _logs(scores: Array) -> Array:
    """The logarithms of the softmax of every row."""
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def contrast(pictures: Array, captions: Array, temperature: float) -> tuple[float, Array, Array]:
    """The loss of a batch whose rows belong together, and its slopes by both.

    Each picture chooses among all captions of the batch, and each caption among all pictures: the
    loss is the mean surprise at the right ones. By van den Oord, Li and Vinyals (2018,
    arXiv:1807.03748), in both directions as by Radford and colleagues (2021, arXiv:2103.00020).

    Args:
        pictures: (n, k), of any length.
        captions: (n, k).
        temperature: what the cosines are divided by.
    """
    a, b, n = unit(pictures), unit(captions), len(pictures)
    scores = a @ b.T / temperature
    across, down = _logs(scores), _logs(scores.T)
    loss = -float(np.trace(across) + np.trace(down)) / (2 * n)
    slope = (np.exp(across) + np.exp(down).T - 2 * np.eye(n, dtype=a.dtype)) / (2 * n * temperature)
    return loss, _through(slope @ b, pictures, a), _through(slope.T @ a, captions, b)


def _through(slope: Array, rows: Array, units: Array) -> Array:
    """The slope by rows, from that by the rows of length 1: what would make them longer is gone."""
    along = (slope * units).sum(axis=1, keepdims=True)
    return (slope - along * units) / np.linalg.norm(rows, axis=1, keepdims=True)


class Adam:
    """Steps for a list of arrays, in place (Kingma and Ba, 2014)."""

    def __init__(self, weights: Sequence[Array], pace: float = 0.005) -> None:
        self.weights, self.pace, self.turn = weights, pace, 0
        self.means = [np.zeros_like(one) for one in weights]
        self.squares = [np.zeros_like(one) for one in weights]

    def step(self, slopes: Sequence[Array]) -> None:
        """Go down these slopes, one an array."""
        self.turn += 1
        for n, slope in enumerate(slopes):
            self.means[n] += 0.1 * (slope - self.means[n])
            self.squares[n] += 0.01 * (slope**2 - self.squares[n])
            size = np.sqrt(self.squares[n] / (1 - 0.99**self.turn)) + 1e-8
            self.weights[n][:] -= self.pace * self.means[n] / (1 - 0.9**self.turn) / size
