"""The numbers in the lesson, made again: `python -m scenarios.m0.numpy.measure`."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

from .cases import PROMPTS
from .speaking import logits, speaker


def held(make: Callable[[], Any]) -> int:
    """Bytes that are in use for what it makes."""
    tracemalloc.start()
    made = make()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del made
    return size


def next_token(scores: Any, k: int, temperature: float, die: float) -> tuple[int, int]:
    """The token that the die chose, and its rank."""
    best = np.argsort(-scores, kind="stable")[:k]
    powers = np.exp((scores[best].astype(float) - scores[best[0]]) / temperature)
    ends = np.cumsum(powers / powers.sum())
    rank = min(int(np.searchsorted(ends, die, side="right")), len(best) - 1)
    return int(best[rank]), rank


def said(k: int, temperature: float, times: int) -> str:
    """Of what the model says so: how much came before, and how much was far from likely."""
    model, rng = speaker(), np.random.default_rng(0)
    runs = again = far = tokens = 0
    for prompt in PROMPTS:
        for _ in range(times):
            read, begun, ranks = model.tokens(prompt), len(model.tokens(prompt)), list[int]()
            while len(ranks) < 40:
                token, rank = next_token(model.scores(read), k, temperature, rng.random())
                if model.is_end(token):
                    break
                read.append(token)
                ranks.append(rank)
            new = read[begun:]
            threes = list(zip(new, new[1:], new[2:], strict=False))
            runs, again = runs + len(threes), again + len(threes) - len(set(threes))
            tokens, far = tokens + len(ranks), far + sum(rank >= 100 for rank in ranks)
    return f"again {again / runs:.1%}, beyond the 100 best {far / tokens:.1%}"


if __name__ == "__main__":
    rows = logits()
    print(rows.shape, rows.strides, f"{rows.nbytes:,} bytes, the largest {rows.max():.1f}")
    print("slice", held(lambda: rows[3:9]), "reshape", held(lambda: rows.reshape(-1)))
    print("list", held(lambda: rows[[3, 4, 5, 6, 7, 8]]), "mask", held(lambda: rows[rows > 0]))
    print("turned and reshaped", held(lambda: rows.T.reshape(-1)))
    for temperature in (1, 0.5, 0.3, 0.25, 0.2, 0.1):
        with np.errstate(all="ignore"):
            powers = np.exp(rows / np.float32(temperature))
            spoilt = np.isnan(powers / powers.sum(-1, keepdims=True)).any(-1).sum()
        print(f"temperature {temperature}: {spoilt} of {len(rows)} rows spoilt")
    for k, temperature in ((1, 1), (40, 0.7), (40, 1), (len(rows[0]), 1), (len(rows[0]), 1.5)):
        print(k, temperature, said(k, temperature, 1 if k == 1 else 3))
