"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: TID253 - a program of its own

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE.parent), str(_HERE)]
answers, probes, space, kinds, boxes, scenes, towers, looking = (
    importlib.import_module(f"{_HERE.name}.{name}")
    for name in (*("answers", "probes", "space", "kinds", "boxes", "scenes", "towers", "looking"),)
)
emoji: Any = importlib.import_module("agentlab_tools.emoji").emoji()
finding: Any = importlib.import_module("agentlab_tools.emoji.finding")
DRAWS = 10
PAIRS = 2000


def program(text: str) -> dict[str, Any]:
    """What a program of the lab defines."""
    made: dict[str, Any] = {}
    exec(text, made)  # noqa: S102 - the lab's own
    return made


def trained(name: str, text: str, *, things: bool = False) -> None:
    """How many new things are found, mean of draws, by a program of the step `train`."""
    shares: list[list[float]] = []
    for seed in range(DRAWS):
        drawn = space.pairs(seed)
        made = program(text)
        if things:
            made["things"] = _things(drawn.x)
        see, read = made["train"](drawn.x, drawn.y)
        shares.append([finding.recall(see, read, drawn.new, within) for within in (1, 5, 10)])
    line = np.mean(shares, axis=0).round(3)
    print(f"{name}: first {line[0]}, among 5 {line[1]}, among 10 {line[2]}", _spread(shares))


def _things(x: Any) -> Any:
    """Which thing each row's picture shows."""
    at = {
        row.tobytes(): n % len(emoji.names) for n, row in enumerate(emoji.features.reshape(-1, 192))
    }
    return np.array([at[row.tobytes()] for row in x])


def _spread(shares: Sequence[Sequence[float]]) -> str:
    five = [one[1] for one in shares]
    return f"({min(five):.3f} to {max(five):.3f})"


def towers_of_all_sorts() -> None:
    """The tables of the step `train`."""
    made = answers._trained
    trained("starter", answers.TRAIN.starter.code)
    trained("never trained", made(rounds=0))
    for name, answer in {"solution": answers.TRAIN.solution, **answers.TRAIN.also}.items():
        trained(name, answer.code)
    for temperature in (10, 1, 0.3, 0.1, 0.07, 0.03, 0.01, 0.001):
        trained(f"temperature {temperature}", made(temperature=temperature))
    for batch in (4, 16, 64, 256, 1024):
        trained(f"batches of {batch}", made(batch=batch))
    plain = "x[rows], y[rows]"
    trained("nothing blanked out", made(worn=plain))
    trained("nothing blanked out, 40 rounds", made(worn=plain, rounds=40))
    # rows in the order of things: each has its four rows in one batch, as wrong answers to itself
    four = made().replace(
        "order = rng.permutation(len(x))",
        "order = np.argsort(things, kind='stable').reshape(-1, 4)\n"
        "        order = order[rng.permutation(len(order))].ravel()",
    )
    trained("each thing four times a batch", four, things=True)


def named() -> None:
    """What prompts do, how sure it is, and what labelled pictures would do."""
    words, prompts = list(kinds.KINDS), (*kinds.PROMPTS, "a photo of a {}.", "no {}", "not a {}")
    embed = looking.embed()
    vectors = {one: embed([one.format(word) for word in words]) for one in prompts}
    right: dict[Any, list[float]] = {}
    for seed in range(DRAWS):
        made, new = space.learnt(seed)
        things = new[kinds.kind_of(new) >= 0]
        true = np.tile(kinds.kind_of(things), 2)
        rows = np.concatenate([emoji.features[maker][things] for maker in (0, 1)])
        seen = towers.unit(made.see(rows))
        for prompt, texts in vectors.items():
            said = seen @ towers.unit(made.read(texts)).T
            right.setdefault(prompt, []).append(float((said.argmax(axis=1) == true).mean()))
        told = towers.unit(made.read(np.stack([vectors[one] for one in kinds.PROMPTS], axis=1)))
        scores = seen @ towers.unit(told.mean(axis=1)).T
        right.setdefault("five together", []).append(float((scores.argmax(axis=1) == true).mean()))
        for temperature in (1, 0.3, 0.1, 0.01):
            grown = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
            sure = (grown / grown.sum(axis=1, keepdims=True)).max(axis=1)
            right.setdefault(("sure at", temperature), []).append(float(sure.mean()))
            best = sure >= np.median(sure)
            half = float((scores.argmax(axis=1) == true)[best].mean())
            right.setdefault(("surest half right at", temperature), []).append(half)
        for each in (1, 2, 4):
            right.setdefault(("labelled of each kind", each), []).append(
                _labelled(seed, each, new, rows, true)
            )
    for name, shares in right.items():
        print(f"{name}: {np.mean(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})")


def _labelled(seed: int, each: int, new: Any, rows: Any, true: Any) -> float:
    """How many are right by the nearest mean of so many labelled things, both makers' pictures."""
    rng, known = np.random.default_rng(seed), np.setdiff1d(np.arange(len(emoji.names)), new)
    every = emoji.features.reshape(-1, rows.shape[1])
    middle, spread = every.mean(axis=0), every.std(axis=0)
    means: list[Any] = []
    for number in range(len(kinds.KINDS)):
        some = rng.choice(known[kinds.kind_of(known) == number], each, replace=False)
        means.append(((emoji.features[:, some] - middle) / spread).mean(axis=(0, 1)))
    near = towers.unit((rows - middle) / spread) @ towers.unit(np.array(means)).T
    return float((near.argmax(axis=1) == true).mean())


def seen() -> None:
    """What the learnt space tells apart, of fair pairs and of those that are none."""
    rng, colours = Random(0), sorted(scenes.SHADES)  # noqa: S311 - the seed is the point
    for name, text in (
        ("fair", probes.PROBE.solution),
        ("first", probes.PROBE.wrong["named-first"]),
    ):
        pair = program(text.code)["pair"]
        for kind in boxes.KINDS if name == "fair" else ("not",):
            some = [pair(kind, list(scenes.NAMES), colours, rng) for _ in range(PAIRS)]
            facts = [
                tuple(scenes.fact_of(one, scenes.NAMES, colours) for one in two) for two in some
            ]
            s = boxes.learnt().scores(facts, colours)
            both = (s[:, 0, 0] + s[:, 1, 1] > s[:, 0, 1] + s[:, 1, 0]).mean()
            one, other = (s[:, 0, 0] > s[:, 0, 1]).mean(), (s[:, 1, 1] > s[:, 1, 0]).mean()
            two = ((s[:, 0, 0] > s[:, 0, 1]) & (s[:, 1, 1] > s[:, 1, 0])).mean()
            print(
                f"{name} {kind}: all four {both:.3f}, each picture {one:.3f} and {other:.3f}, "
                f"both pictures {two:.3f}"
            )


def searched() -> None:
    """How much of what is found fits, and how much was not wanted."""
    embed = looking.embed()
    asked = [one for one in kinds.REQUESTS if one.unwanted]
    ways: dict[str, Sequence[tuple[float, str]]] = {
        "one sentence": ((1, "{}, but no {}"),),
        "without": ((1, "{} without {}"),),
        "that are not": ((1, "{} that are not {}"),),
        "never mentioned": ((1, "{}"),),
        "0.3 taken off": ((1, "{}"), (-0.3, "{1}")),
        "1 taken off": ((1, "{}"), (-1, "{1}")),
        "added": ((1, "{}"), (1, "{1}")),
    }
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(DRAWS):
        made, new = space.learnt(seed)
        things = np.tile(new, 2)
        rows = towers.unit(made.see(np.concatenate([emoji.features[m][new] for m in (0, 1)])))
        for request in asked:
            good, bad = request.fits(things)
            for name, way in ways.items():
                words = [text.format(request.wanted, request.unwanted) for _, text in way]
                told = towers.unit(made.read(embed(words)))
                best = (-(rows @ told.T @ [much for much, _ in way])).argsort()[:8]
                found.setdefault(name, []).append(
                    (float(good[best].mean()), float(bad[best].mean()))
                )
    for name, shares in found.items():
        fits, bad = np.mean(shares, axis=0)
        print(f"{name}: {fits:.3f} fits, {bad:.3f} was not wanted")


if __name__ == "__main__":
    searched()
    named()
    seen()
    towers_of_all_sorts()
