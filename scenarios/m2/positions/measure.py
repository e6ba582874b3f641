"""The numbers in the lesson, made again, by itself: `python measure.py [nets|model|memory]`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from random import Random
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # see `sandbox`

import numpy as np  # noqa: TID253 - a program of its own

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_parts: Any = tuple(
    importlib.import_module(f"{_HERE.name}.{name}")
    for name in ("cases", "nets", "packaged", "talks")
)
cases, nets, packaged, talks = _parts
SEEDS = 5
CONVERSATIONS = 6
TOKENS = 320


def made() -> None:
    """How much nets are right about, by the length of lines, from the worst seed to the best."""
    for kind, train, how in (
        ("none", {}, {}),
        ("none", {}, {"causal": True, "layers": 2}),
        ("sinusoid", {}, {}),
        ("sinusoid", {"start": 96}, {}),
        ("learnt", {}, {}),
        ("learnt", {"start": 96}, {}),
        ("rotary", {}, {}),
        ("bias", {"lr": 0.03}, {}),
    ):
        found: dict[int, list[float]] = {}
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            net = nets.Net(kind, rng, **how)
            nets.fit(net, rng, **train)
            for length in (32, 64, 128, 256):
                found.setdefault(length, []).append(nets.share_right(net, length, seed))
        shares = {n: f"{min(one):.2f}-{max(one):.2f}" for n, one in found.items()}
        print(kind, train, how, shares, flush=True)
    print("known of a line as a bag:", round(bag(), 3))


def bag(length: int = 32, rows: int = 2000) -> float:
    """The most that can be right where equal symbols of a line get equal answers."""
    lines, before = nets.draw(np.random.default_rng(0), rows, length)
    right = asked = 0
    for line, wanted in zip(lines, before, strict=True):
        for symbol in range(nets.SYMBOLS):
            found = wanted[(line == symbol) & (wanted >= 0)]
            asked += len(found)
            right += int(np.bincount(found).max()) if len(found) else 0
    return right / asked


def model() -> None:
    """What a text costs the packaged model where it is misled about positions."""
    text = (Path(str(talks.LIBRARY)) / "attention.md").read_text(encoding="utf-8")
    for how in (
        {},
        {"base": 1e3},
        {"base": 1e4},
        {"base": 1e6},
        {"first": 8000},
        {"first": 100_000},
        {"scale": 1e-9},
    ):
        found = packaged.costs(text, TOKENS, **how)
        parts = [round(float(found[part].mean()), 2) for part in (slice(40), slice(-80, None))]
        print(how, "all", round(float(found.mean()), 3), "first 40, last 80", parts, flush=True)


def memory() -> None:
    """What a model knows after forgetting, and what going on costs it."""
    rng = Random(0)  # noqa: S311 - nothing secret is drawn
    found: dict[str, list[tuple[bool, bool, float]]] = {}
    count, size = talks.COUNT, talks.SIZE
    for _ in range(CONVERSATIONS):
        talk = talks.Talk(
            rng.choice(talks.DRAWN_NAMES),
            rng.choice(talks.DRAWN_COLOURS),
            rng.choice(cases.ARTICLES),
        )
        read = talk.read()
        late = count - size + read.told
        both = [(0, read.told, 0), (late, count, read.told - late)]
        for name, plan in (
            ("all", None),
            ("all but the first token", [(1, count, -1)]),
            ("the newest", [(count - size, count, size - count)]),
            ("the first token and the newest", [(0, 1, 0), (late, count, 1 - late)]),
            ("the oldest", [(0, size, 0)]),
            ("the first message and the newest", both),
        ):
            one = talk.tried(plan)
            found.setdefault(name, []).append((*one["right"], one["nats"]))
        for name, ids in (
            ("read again: first message and newest", read.ids[: read.told] + read.ids[late:]),
            ("read again: newest", read.ids[count - size :]),
        ):
            nats, said = packaged.read_again(ids, read.text, talks.ASKED)
            right = [a == b for a, b in zip(said, (talk.name, talk.colour), strict=True)]
            found.setdefault(name, []).append((*right, nats))
    for name, all_found in found.items():
        names, colours, nats = (list(part) for part in zip(*all_found, strict=True))
        print(name, sum(names), sum(colours), round(sum(nats) / len(nats), 2), flush=True)


if __name__ == "__main__":
    asked = sys.argv[1:] or ["nets", "model", "memory"]
    for what, measure in (("nets", made), ("model", model), ("memory", memory)):
        if what in asked:
            measure()
