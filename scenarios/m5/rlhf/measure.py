"""The numbers in the lesson, made again, by itself: `python measure.py [NAME …]` in this folder."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("boxed", "ear", "composing", "stopping", "listening", "answers_reward")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
boxed, ear, composing, stopping, listening, answers = _modules
SEEDS, COMPARED, STEPS = range(3), 1200, 50


def pieces() -> None:
    """What the ear says of Bach and of the composer, and how likely a piece and a drone are."""
    box = boxed.opened(0)
    written, said = composing.write(box.base, 2000, np.random.default_rng(0))
    for name, some in (("Bach", composing.phrases()), ("the composer", written)):
        found = ear.heard(some)
        told = ", ".join(f"{key} {float(value.mean()):.3f}" for key, value in found.items())
        print(f"{name}: {_mean(ear.points(some)):.2f} points; alike {ear.alike(some):.1%}; {told}")
    costs = -said.sum(axis=1)
    print(
        f"a piece has {_mean(costs):.1f} nats, one in 100 less than {np.quantile(costs, 0.01):.1f}"
    )
    drones = np.tile(written[:, :1], (1, composing.CHORDS, 1))
    nats = -composing.likely(box.base, drones).sum(axis=1)
    at = int(nats.argmin())
    print(f"the first chord for ever: {np.median(nats):.0f} nats in the middle; at best:")
    print(f"  {drones[at, 0].tolist()}: {nats[at]:.1f} nats, {ear.points(drones)[at]:.1f} points")


def rewards() -> None:
    """How often reward models are right, and what a vote costs them."""
    box = boxed.opened(0)
    programs = {"solution": answers.REWARD.solution, "starter": answers.REWARD.starter}
    programs |= {"a-net": answers.REWARD.also["a-net"]}
    programs |= {name: answers.REWARD.wrong[name] for name in ("too-sure", "note-by-note")}
    for name, answer in programs.items():
        rows: list[tuple[float, float]] = []
        for seed in SEEDS:
            trial = listening.Trial.drawn(seed, box.base)
            space: dict[str, Any] = {}
            exec(answer.code, space)  # noqa: S102 - the lab's own answers
            box.torch.manual_seed(seed)
            score = space["fit"](trial.first, trial.second, trial.votes)
            lead = np.asarray(score(trial.fresh)) - np.asarray(score(trial.fresh_second))
            truth = ear.points(trial.fresh) - ear.points(trial.fresh_second)
            clear = np.abs(truth) > listening.CLEAR
            cost = np.logaddexp(0, np.where(trial.fresh_votes, -lead, lead))
            rows.append((_mean(((lead > 0) == (truth > 0))[clear]), _mean(cost)))
        right, cost = np.mean(rows, axis=0)
        print(f"{name}: {right:.1%} of the clear pairs, {cost:.3f} nats a vote")


def leashes() -> None:
    """What comes of leashes of several lengths, after listeners' votes."""
    box = boxed.opened(0)
    models = [box.reward(COMPARED, seed) for seed in SEEDS]
    for beta in (0.0, 0.05, 0.1, 0.2, 0.4, 1.0):
        rows: list[list[float]] = []
        since = time.monotonic()
        for seed in SEEDS:
            box.torch.manual_seed(seed)
            net = box.follow(models[seed], beta, STEPS, _unseen)
            some, nats = box.drawn(net, 400, seed)
            old, _ = composing.write(box.base, 400, np.random.default_rng(seed + 50))
            rose = box.scored(models[seed], some) - box.scored(models[seed], old)
            gain = _mean(ear.points(some)) - _mean(ear.points(old))
            rows.append([rose, gain, nats, 100 * ear.alike(some)])
        told = ["/".join(f"{row[at]:.1f}" for row in rows) for at in range(4)]
        means = ", ".join(f"{one:.2f}" for one in np.mean(rows, axis=0))
        print(f"leash {beta}: reward, ear, nats, alike %: {means}; each {told}", end="")
        print(f" ({(time.monotonic() - since) / len(SEEDS):.0f} s a run)", flush=True)


def best() -> None:
    """The best of several pieces by the same models, and no training at all."""
    box = boxed.opened(0)
    models = [box.reward(COMPARED, seed) for seed in SEEDS]
    for count in (4, 16, 64):
        rows: list[list[float]] = []
        for seed in SEEDS:
            some, _ = composing.write(box.base, 400 * count, np.random.default_rng(seed))
            scores = models[seed](box.composer.numbers(some)).numpy().reshape(400, count)
            kept = some[scores.argmax(axis=1) + count * np.arange(400)]
            rose = _mean(scores.max(axis=1)) - _mean(scores)
            gain = _mean(ear.points(kept)) - _mean(ear.points(some))
            rows.append([rose, gain, np.log(count) - 1 + 1 / count, 100 * ear.alike(kept)])
        told = ", ".join(f"{one:.2f}" for one in np.mean(rows, axis=0))
        each = "/".join(f"{row[1]:.1f}" for row in rows)
        print(f"the best of {count}: reward, ear, nats (at most), alike %: {told}; ear {each}")


def stops() -> None:
    """What recorded runs come to, and what rules make of them."""
    runs: list[dict[str, Any]] = stopping.runs()
    ears = [[one - run["ear"][0] for one in run["ear"]] for run in runs]
    print(f"{len(runs)} runs; the ear at last {_mean([one[-1] for one in ears]):.1f} points")
    print(f"worse than at first: {sum(one[-1] < 0 for one in ears)}")
    for name in ("reward", "others"):
        rose = [_mean(run[name][-1]) - _mean(run[name][0]) for run in runs]
        print(f"{name} rose by {_mean(rose):.2f}; in {sum(one > 0 for one in rose)} runs")
    both = [np.array(run["others"][-1]) > run["others"][0] for run in runs]
    print(f"all three others like it better: {sum(one.all() for one in both)}")
    at = [int(np.argmax(np.convolve(run["ear"], np.ones(3) / 3, "valid"))) + 1 for run in runs]
    nats = [run["kl"][step] for run, step in zip(runs, at, strict=True)]
    print(f"best steps {sorted(at)}\n at nats {sorted(nats)}")
    for name, rule in _rules().items():
        got = np.array([stopping.gained(run, rule(run)) for run in runs])
        print(f"{name}: {_mean(got[:, 0]):+.2f} of {_mean(got[:, 1]):.2f}; below 0: ", end="")
        print(int((got[:, 0] < 0).sum()))


def _rules() -> dict[str, Callable[[Any], int]]:
    """Ways to stop."""
    found: dict[str, Callable[[Any], int]] = {
        "reward": lambda run: _most(run["reward"]),
        "mean of the others": lambda run: _most(_risen(run).mean(axis=1)),
        "lowest of the others": lambda run: _most(_risen(run).min(axis=1)),
        "mean less two spreads": lambda run: _most(
            _risen(run).mean(axis=1) - 2 * _risen(run).std(axis=1)
        ),
        "nine steps' votes": lambda run: _most(
            np.convolve(np.pad(np.array(run["votes"]), 4, mode="edge"), np.ones(9), "valid")
        ),
    }
    for most in (2, 4, 7, 10, 15):
        found[f"{most} nats"] = _within(most)
    return found


def _within(most: float) -> Callable[[Any], int]:
    return lambda run: max(0, _first(run["kl"], most) - 1)


def _most(numbers: Any) -> int:
    return int(np.argmax(numbers))


def _first(numbers: Any, most: float) -> int:
    return next((n for n, one in enumerate(numbers) if one > most), len(numbers))


def _unseen(step: int, net: Any) -> None:
    """No look at the training."""


def _risen(run: Any) -> Any:
    others: Any = np.array(run["others"])
    return others - others[0]


def _mean(numbers: Any) -> float:
    return float(np.asarray(numbers, dtype=float).mean())


NUMBERS = {"pieces": pieces, "rewards": rewards, "leashes": leashes, "best": best, "stops": stops}

if __name__ == "__main__":
    for name in sys.argv[1:] or NUMBERS:
        print(f"== {name}")
        NUMBERS[name]()
