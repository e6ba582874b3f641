"""How much memory training all of a model takes, told before it is run.

    weights     4 bytes each: float32, since a step is often smaller than bfloat16 can tell apart
    gradients   4 bytes each
    optimizer   8 bytes each: AdamW keeps two averages
    work        twice the largest matrix: its gradient comes in two parts where the last layer is
                the embedding again, and AdamW computes with copies
    a row       what each layer leaves behind for the way back, of the longest row

All but the last are counted. The last depends on how a model is built and computed, so it is
measured: three short texts go forward, and what is kept for the way back of each is added up. It
grows with the tokens read and with the tokens learnt (each has a row as wide as the vocabulary),
so three texts tell it for any length. Where a row holds several examples, each layer also keeps who
sees whom, which grows with the square of the row's length, and is counted.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.jobs.pids import resident_bytes
from agentlab_tools.train.recipes.examples import Row
from agentlab_tools.train.recipes.steps import Place, learnt, logits_and_labels

if TYPE_CHECKING:
    from torch import Tensor

_SHORT, _LONG = 24, 48
"""Tokens of the texts that are tried."""
_GIGABYTE = 1e9
_KILOBYTE = 1 if sys.platform == "darwin" else 1024
"""What ru_maxrss is in."""


@dataclass(frozen=True)
class Needed:
    """Bytes, by what they are for."""

    weights: int
    gradients: int
    optimizer: int
    work: int
    row: int
    """What the longest row leaves behind for the way back, and the gradient of its logits."""
    process: int = 0
    """What the process had beside the weights: Python, torch, the data."""

    @property
    def total(self) -> int:
        """All of it: what the process takes at most."""
        return sum(
            (self.weights, self.gradients, self.optimizer, self.work, self.row, self.process)
        )

    def said(self) -> str:
        """In one sentence."""
        parts = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "work": self.work,
            "the longest row": self.row,
            "Python and torch": self.process,
        }
        each = ", ".join(f"{name} {size / _GIGABYTE:.2f}" for name, size in parts.items() if size)
        return f"memory needed: {self.total / _GIGABYTE:.2f} GB ({each})"


def needed(model: Any, rows: Sequence[Row], place: Place, *, process: int = 0) -> Needed:
    """What training all weights of a model takes, on rows one by one, with AdamW.

    Args:
        model: in float32, where it will be trained. Nothing of it is changed.
        process: bytes that the process takes beside the model.
    """
    sizes = [p.numel() * p.element_size() for p in model.parameters()]
    weights, largest = sum(sizes), max(sizes)
    fixed, token, label = _kept(model, place)
    row = max(
        (fixed + len(r.ids) * token + learnt([r]) * label + _sights(model, r, place) for r in rows),
        default=0,
    )
    return Needed(weights, weights, 2 * weights, 2 * largest, round(row), process)


def told_before(model: Any, rows: Sequence[Row], place: Place) -> str:
    """What training will take, in one sentence; with what the process takes already."""
    process = 0
    if place.device.type == "cpu":
        weights = sum(p.numel() * p.element_size() for p in model.parameters())
        process = max(0, resident_bytes(os.getpid()) - weights)
    return needed(model, rows, place, process=process).said()


def told_after(place: Place) -> str:
    """What it took at most, in one sentence."""
    import torch

    if place.device.type == "cpu":
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE
    else:
        peak = torch.cuda.max_memory_allocated()
    return f"memory taken at most: {peak / _GIGABYTE:.2f} GB"


def _kept(model: Any, place: Place) -> tuple[float, float, float]:
    """Bytes kept for the way back: of any text, of each token, of each token learnt."""
    short, long, more = (
        _bytes_of(model, _text(size, labels), place)
        for size, labels in ((_SHORT, 1), (_LONG, 1), (_LONG, _SHORT + 1))
    )
    token = (long - short) / (_LONG - _SHORT)
    label = (more - long) / _SHORT
    # on the way back, the gradient of the logits lies beside what was kept: float32
    vocabulary = model.get_output_embeddings().weight.shape[0]
    return short - _SHORT * token - label, token, label + 4 * vocabulary


def _sights(model: Any, row: Row, place: Place) -> int:
    """Bytes of what keeps the examples in a row from seeing each other: none for one alone."""
    several = row.positions.count(0) > 1 or row.shares
    layers = int(model.config.num_hidden_layers)
    return layers * len(row.ids) ** 2 * place.number.itemsize if several else 0


def _text(size: int, labels: int) -> Row:
    """A text of so many tokens, of which the last so many are learnt."""
    ids = [3 + n % 7 for n in range(size)]
    marks = [UNSCORED] * (size - labels) + ids[size - labels :]
    return Row(ids, marks, list(range(size)))


def _bytes_of(model: Any, row: Row, place: Place) -> int:
    """Bytes of all that one text leaves behind for the way back, weights themselves apart."""
    import torch
    from torch.nn.functional import cross_entropy

    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found: dict[int, int] = {}
    held: list[Any] = []  # a storage that is freed would lend its address to the next

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
            held.append(storage)
        return tensor

    hooks: Any = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks, place.autocast():
        logits, labels = logits_and_labels(model, row)
        cast(Any, cross_entropy(logits, labels, reduction="sum"))
    return sum(found.values())
