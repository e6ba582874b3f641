"""Makes `dense.json`: what dense nets come to on the texts held back, in each fold.

    python make_dense.py

Each is the net of `net.txt` with one expert who reads everything: as wide as one of the eight, or
as wide as all eight together. They are trained as the others are, with three seeds.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np  # noqa: TID253 - a program of its own

torch: Any = importlib.import_module("torch")
_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("texts", "inside", "net")
texts, inside, net = (importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
FILE = _HERE / "dense.json"
SEEDS = 3


def dense(fold: int, hidden: int, seed: int, told: bool = False) -> float:
    """The loss of one dense net; `told` gives it the language beside the characters."""
    torch.set_num_threads(1)
    space: dict[str, Any] = {"__name__": "net"}
    exec(inside.NET, space)  # noqa: S102 - the lab's own
    known, held = (texts.windows(texts.paragraphs(fold, held=side)) for side in (False, True))
    torch.manual_seed(seed)
    made = space["Net"](len(texts.LETTERS), texts.LEARNT if told else 1, hidden)
    parts = [torch.tensor(known.language), torch.tensor(held.language)]

    def middle(one: Any, x: Any, some: Any) -> Any:
        if told:
            x = x + one.gate[parts[0][some]]
        return torch.relu(x @ one.up[0] + one.bias[0]) @ one.down[0], 0.0

    given = (torch.tensor(known.seen), torch.tensor(known.then))
    space["train"](made, middle, *given, net.STEPS, seed)
    parts[0] = parts[1]
    with torch.no_grad():
        every = torch.arange(len(held.then))
        said, _ = made(torch.tensor(held.seen), partial(middle, made, some=every))
        return float(torch.nn.functional.cross_entropy(said, torch.tensor(held.then)))


if __name__ == "__main__":
    found: dict[str, list[float]] = {}
    for hidden in (net.HIDDEN, net.HIDDEN * net.EXPERTS):
        found[str(hidden)] = [
            round(float(np.mean([dense(fold, hidden, seed) for seed in range(SEEDS)])), 4)
            for fold in range(texts.FOLDS)
        ]
        print(hidden, found[str(hidden)], flush=True)
    FILE.write_text(json.dumps(found) + "\n", encoding="utf-8")
