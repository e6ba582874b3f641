"""The recorded runs of `stop`, made again: `python make_runs.py` in this folder, some five minutes.

Each run has listeners of its own, a reward model of their comparisons, three more of three other
groups of listeners, and a composer that follows the first one, on a leash or without. Before each
step pieces are drawn, the models score them, and a few listeners compare them with pieces from
before the first. What the ear says is kept, too, and shown to no program that is graded.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
boxed: Any = importlib.import_module(f"{_HERE.name}.boxed")
ear: Any = importlib.import_module(f"{_HERE.name}.ear")
RUNS, STEPS, OTHERS = 32, 60, 3
PIECES, VOTES, HEARD = 64, 8, 200
"""Pieces that are scored at each step, listeners who vote, and pieces that the ear hears."""
LEASHES, PACES, COMPARISONS = (0.0, 0.02, 0.05), (2e-4, 3e-4, 4e-4, 6e-4), (300, 600, 900)


def recorded(seed: int) -> dict[str, Any]:
    """One run."""
    box = boxed.opened(seed)
    dice = np.random.default_rng(seed)
    beta, pace, many = (dice.choice(some) for some in (LEASHES, PACES, COMPARISONS))
    models = [box.reward(int(many), 1000 * seed + n) for n in range(1 + OTHERS)]
    before, _ = box.drawn(box.composer.load(), VOTES * (STEPS + 1), seed)
    run: dict[str, Any] = {"reward": [], "others": [], "kl": [], "votes": [], "ear": []}

    def look(step: int, net: Any) -> None:
        pieces, kl = box.drawn(net, PIECES, 7 * seed + step)
        scores = [box.scored(model, pieces) for model in models]
        votes = ear.preferred(pieces[:VOTES], before[VOTES * step :][:VOTES], dice)
        run["reward"].append(round(scores[0], 3))
        run["others"].append([round(score, 3) for score in scores[1:]])
        run["kl"].append(round(kl, 2))
        run["votes"].append(int(votes.sum()))
        run["ear"].append(round(float(ear.points(box.drawn(net, HEARD, step)[0]).mean()), 3))

    box.follow(models[0], float(beta), STEPS, look, n=64, lr=float(pace), passes=1)
    return {"beta": float(beta), "pace": float(pace), "comparisons": int(many), **run}


if __name__ == "__main__":
    runs: list[dict[str, Any]] = []
    for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS):
        since = time.monotonic()
        runs.append(recorded(seed))
        at = int(np.argmax(runs[-1]["ear"]))
        print(
            seed,
            f"leash {runs[-1]['beta']}, pace {runs[-1]['pace']}:",
            f"ear at best {runs[-1]['ear'][at]} after {at}, at last {runs[-1]['ear'][-1]}",
            f"{time.monotonic() - since:.0f} s",
            flush=True,
        )
        text = json.dumps(runs, separators=(",", ":"))
        (_HERE / "runs.json").write_text(text, encoding="utf-8")
