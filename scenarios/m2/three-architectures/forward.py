"""The judge's own wiring of the three nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from .nets import Net

KINDS = ("gpt", "bert", "t5")
BLOCKS = {"gpt": (0, 2), "bert": (2, 0), "t5": (1, 1)}
"""How many blocks read, and how many write."""
INNER = {"gpt": 128, "bert": 128, "t5": 96}
"""How wide a block's hidden layer is, so that the three are as large as each other."""


def gpt(net: Net, ids: Tensor) -> Tensor:
    """Scores of a decoder: (texts, n) to (texts, n, words)."""
    rows, seen = net.rows(ids), _so_far(ids)
    for block in net.writes:
        rows = block(rows, seen)
    return net.scores(rows)


def bert(net: Net, ids: Tensor) -> Tensor:
    """Scores of an encoder: (texts, n) to (texts, n, words)."""
    return net.scores(_read(net, ids))


def t5(net: Net, source: Tensor, ids: Tensor) -> Tensor:
    """Scores of a decoder that looks at an encoder: (texts, m) and (texts, n) to (…, n, words)."""
    memory, rows, seen = _read(net, source), net.rows(ids), _so_far(ids)
    for block in net.writes:
        rows = block(rows, seen, memory, _words(source, ids.shape[1]))
    return net.scores(rows)


def _read(net: Net, ids: Tensor) -> Tensor:
    rows, seen = net.rows(ids), _words(ids, ids.shape[1])
    for block in net.reads:
        rows = block(rows, seen)
    return rows


def _so_far(ids: Tensor) -> Tensor:
    """Each place sees itself and those before: (texts, n, n)."""
    texts, n = ids.shape
    return ids.new_ones(n, n).tril().bool().expand(texts, n, n)


def _words(ids: Tensor, n: int) -> Tensor:
    """Each of n places sees all words, and no padding: (texts, n, m)."""
    return (ids != 0)[:, None, :].expand(-1, n, -1)
