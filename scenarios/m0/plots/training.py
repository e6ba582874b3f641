"""A small network that is really trained, and meets one batch of noise on its way.

It guesses the next character of the course's library from the eight before it. At one step its
batch isn't text: characters drawn at random, as where a file was no text.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTEXT, WIDTH, HIDDEN, BATCH = 8, 12, 96, 48
EVERY = 50
"""Steps from one look at the held-out text to the next."""


@dataclass(frozen=True)
class Run:
    """The losses of a training run, in nats a character: one each step, and now and then."""

    losses: tuple[float, ...]
    held_out: tuple[tuple[int, float], ...]
    """(step, loss on text that it isn't trained on)"""
    noise: int
    """The step whose batch was no text."""


def trained(seed: int, steps: int, noise: int, rate: float = 0.01) -> Run:
    """A run, the same for the same seed on one machine."""
    import numpy as np

    rng = np.random.default_rng(seed)
    known, other, letters = _text()
    sizes = ((letters, WIDTH), (CONTEXT * WIDTH, HIDDEN), (HIDDEN, letters))
    weights = [rng.normal(0, size[0] ** -0.5, size) for size in sizes]
    weights[0] *= letters**0.5 * 0.3
    means = [np.zeros(size) for size in sizes]
    squares = [np.zeros(size) for size in sizes]
    losses: list[float] = []
    held_out: list[tuple[int, float]] = []
    look = rng.integers(0, len(other) - CONTEXT - 1, 1000)
    for step in range(steps):
        starts = rng.integers(0, len(known) - CONTEXT - 1, BATCH)
        batch = known[starts[:, None] + np.arange(CONTEXT + 1)]
        if step == noise:
            batch = rng.integers(0, letters, batch.shape)
        loss, slopes = _slopes(weights, batch)
        losses.append(round(loss, 3))
        ahead = 1 - 0.9 ** (step + 1), 1 - 0.99 ** (step + 1)
        for n, slope in enumerate(slopes):
            means[n] += 0.1 * (slope - means[n])
            squares[n] += 0.01 * (slope**2 - squares[n])
            weights[n] -= rate * (means[n] / ahead[0]) / (np.sqrt(squares[n] / ahead[1]) + 1e-8)
        if (step + 1) % EVERY == 0:
            seen = other[look[:, None] + np.arange(CONTEXT + 1)]
            held_out.append((step, round(_slopes(weights, seen)[0], 3)))
    return Run(tuple(losses), tuple(held_out), noise)


def _slopes(weights: list[Any], batch: NDArray[Any]) -> tuple[float, list[Any]]:
    import numpy as np

    vectors, inner, outer = weights
    before, after = batch[:, :-1], batch[:, -1]
    entered = vectors[before].reshape(len(batch), -1)
    hidden = np.tanh(entered @ inner)
    scores = hidden @ outer
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.arange(len(batch))
    loss = float(-np.log(shares[rows, after]).mean())
    shares[rows, after] -= 1
    shares /= len(batch)
    back = (shares @ outer.T) * (1 - hidden**2)
    entering = (back @ inner.T).reshape(*before.shape, WIDTH)
    summed = np.zeros_like(vectors)
    np.add.at(summed, before, entering)
    return loss, [summed, entered.T @ back, hidden.T @ shares]


def _text() -> tuple[NDArray[Any], NDArray[Any], int]:
    import numpy as np

    folder = files("agentlab_tools") / "library"
    pages = sorted((page for page in folder.iterdir()), key=lambda page: page.name)
    text = [page.read_text(encoding="utf-8") for page in pages if page.name.endswith(".md")]
    letters = sorted(set("".join(text)))
    number = {letter: n for n, letter in enumerate(letters)}
    known, other = "".join(text[:-8]), "".join(text[-8:])
    ids = [np.array([number[letter] for letter in part]) for part in (known, other)]
    return ids[0], ids[1], len(letters)
