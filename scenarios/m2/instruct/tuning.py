"""Rows of tokens become an adapter: once for the same rows on one machine, then from its cache."""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from platformdirs import user_cache_path

from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.recipes.steps import cosine, set_rate

from .gemma import ALPHA, FIRST, LAYERS, RANK, Gemma, weights, write_adapter

if TYPE_CHECKING:
    from torch import Tensor

Row: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Tokens, and for each the token to learn at its place, or `UNSCORED`."""
ROUNDS, BATCH, RATE = 2, 16, 1e-3
_RECIPE = f"3 {FIRST} {RANK} {ALPHA} {ROUNDS} {BATCH} {RATE}"


def adapter_for(rows: Sequence[Row], say: Callable[[str], None]) -> Path:
    """The adapter that these rows make; trained where this machine has not done so yet.

    Raises:
        ModelNotFound, ModelUnreadable: the model is not installed, or damaged.
        OSError: the cache can't be written.
    """
    told = json.dumps([_RECIPE, [[list(part) for part in row] for row in rows]])
    name = f"instruct-{hashlib.sha256(told.encode()).hexdigest()[:16]}.gguf"
    path = user_cache_path("agentlab") / "labs" / name
    if path.is_file():
        say("these very rows were learnt here before: the adapter is in the cache\n")
        return path
    net = tuned(rows, say)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    write_adapter(net, partial)
    partial.replace(path)  # whole before it bears its name
    return path


def tuned(rows: Sequence[Row], say: Callable[[str], None]) -> Gemma:
    """The model with detours that have learnt the rows: `ROUNDS` times all, `BATCH` at a time.

    The lower layers have nothing to learn, so they read every row once, and what they make of it
    is kept.
    """
    import torch
    from torch.nn.functional import cross_entropy

    net = Gemma(weights())
    order = sorted(range(len(rows)), key=lambda at: (len(rows[at][0]), at))
    kept: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        for at in range(0, len(order), BATCH):
            ids, labels = _padded([rows[n] for n in order[at : at + BATCH]])
            kept.append((net.read(net.embedded(ids), 0, FIRST), labels))
    learnt = net.open_detours(seed=0)
    optimizer: Any = torch.optim.AdamW(learnt, lr=RATE, weight_decay=0.0)
    dice = random.Random(0)  # noqa: S311 - an order of batches
    total = ROUNDS * len(kept)
    for step in range(1, total + 1):
        if step % len(kept) == 1:
            dice.shuffle(kept)
        hidden, labels = kept[(step - 1) % len(kept)]
        set_rate(optimizer, cosine(step, total, RATE, 0.15))
        judged = labels[:, 1:] != UNSCORED
        seen = net.read(hidden, FIRST, LAYERS)[:, :-1][judged]
        loss: Any = cross_entropy(net.logits(seen), labels[:, 1:][judged])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        if step % 2 == 0:
            say(f"step {step} of {total}  loss {loss.item():.2f}\n")
        if not math.isfinite(loss.item()):
            break
    return net


def _padded(rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """Tokens and labels, (rows, longest). What fills a row up comes last, where nothing sees it."""
    import torch

    longest = max(len(ids) for ids, _ in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), UNSCORED)
    for at, (tokens, wanted) in enumerate(rows):
        ids[at, : len(tokens)] = torch.tensor(tokens)
        labels[at, : len(wanted)] = torch.tensor(wanted)
    return ids, labels
