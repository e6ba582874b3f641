"""What the model is given to read: drawn tokens said twice, and ordinary text; and what is found.

All of it outside of the sandbox, on lines that a learner's program has never seen.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.backends.llamacpp.registry import find
from agentlab_tools.search import LIBRARY

from .model import MODEL, VOCABULARY, Head, read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

HALF = 24
"""Tokens of a line before they are said again."""
_FIRST = 1000
"""Tokens below are parts of words and signs; drawn ones are from here on."""
_LONG, _SKIPPED = 50, 20
_LINES, _PLAIN = 2, 3
"""How many of each the judge measures on."""
SHOWN = 6
"""How many pieces of text the learner has; the judge has others."""


def line(seed: int) -> list[int]:
    """Drawn tokens, said twice."""
    import numpy as np

    half = np.random.default_rng(seed).integers(_FIRST, VOCABULARY, size=HALF)
    return [int(n) for n in half] * 2


@lru_cache(maxsize=1)
def plain() -> list[list[int]]:
    """Pieces of the articles that AgentLab comes with, 50 tokens each."""
    from agentlab_tools.train.bridge.score import Scorer

    files = sorted(LIBRARY.glob("*.md"))
    with Scorer(find(MODEL).path, size=_LONG) as scorer:
        every = [scorer.tokens(file.read_text(encoding="utf-8")) for file in files]
    return [ids[_SKIPPED : _SKIPPED + _LONG] for ids in every if len(ids) >= _SKIPPED + _LONG]


@lru_cache(maxsize=1)
def llama_cpp(ids: tuple[int, ...]) -> Array:
    """What llama.cpp has for the next token, from the same file: (tokens, vocabulary)."""
    from agentlab_tools.train.bridge.score import Scorer

    with Scorer(find(MODEL).path, size=_LONG, exact=True) as scorer:
        return scorer.logits(ids)


@lru_cache(maxsize=4)
def scores(seed: int) -> dict[str, Array]:
    """How much every head looks where, on fresh lines: (layers, heads), each from 0 to 1.

    `back`: at the token before; `copy`: in the second half, at what followed the same token the
    first time; `same`: at that token itself; `first`: at the line's first.
    """
    import numpy as np

    found: dict[str, list[Array]] = {"back": [], "copy": [], "same": [], "first": []}
    for n in range(_LINES):
        seen = read(line(seed + n)).weights
        later, second = np.arange(1, 2 * HALF), np.arange(HALF, 2 * HALF)
        found["back"].append(seen[:, :, later, later - 1].mean(axis=-1))
        found["copy"].append(seen[:, :, second, second - HALF + 1].mean(axis=-1))
        found["same"].append(seen[:, :, second, second - HALF].mean(axis=-1))
        found["first"].append(seen[:, :, later, 0].mean(axis=-1))
    return {name: np.mean(parts, axis=0) for name, parts in found.items()}


def best(found: Array, count: int) -> list[Head]:
    """The heads with the highest scores, highest first."""
    import numpy as np

    order = np.argsort(-np.asarray(found), axis=None, kind="stable")[:count]
    return [(int(n) // found.shape[1], int(n) % found.shape[1]) for n in order]


@lru_cache(maxsize=16)
def repeated(seed: int, off: tuple[Head, ...] = ()) -> float:
    """Nats a token of what is said again, on fresh lines."""
    losses = [read(line(seed + n), off).losses[HALF:].mean() for n in range(_LINES)]
    return float(sum(losses) / len(losses))


@lru_cache(maxsize=16)
def ordinary(seed: int, off: tuple[Head, ...] = ()) -> float:
    """Nats a token of ordinary text, on pieces that the learner does not have."""
    kept = plain()[SHOWN:]
    losses = [read(kept[(seed + n) % len(kept)], off).losses.mean() for n in range(_PLAIN)]
    return float(sum(losses) / len(losses))


def cost(seed: int, off: tuple[Head, ...]) -> tuple[float, float]:
    """What switching heads off costs: nats a token on what is said again, and on ordinary text."""
    return repeated(seed, off) - repeated(seed), ordinary(seed, off) - ordinary(seed)
