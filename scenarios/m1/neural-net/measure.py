"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.digits import drawn

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
answers, net, tools = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("answers", "net", "tools")
)
DRAWS = 10


def program(text: str) -> dict[str, Any]:
    """What a program of the lab defines."""
    sys.modules["engine"] = types.ModuleType("engine")
    exec(tools.ENGINE.read_text(encoding="utf-8"), sys.modules["engine"].__dict__)  # noqa: S102
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the lab's own
    return space


def training(name: str, text: str, bend: str) -> None:
    """How many fresh digits are right, and how much of a net has no slope."""
    right, still = list[float](), list[float]()
    train = program(text)["train"]
    for seed in range(DRAWS):
        x, y, fresh, wanted = drawn(seed, tools.KNOWN, tools.FRESH)
        layers = train(x, y, bend)
        said = net.forward(fresh, layers, bend)[-1].argmax(axis=1)
        right.append(float((said == wanted).mean()))
        counted = net.dead(fresh, layers) if bend == "relu" else net.saturated(fresh, layers)
        size = layers[0][1].size if bend == "relu" else 1
        still.append(counted[0] / size if counted else 0.0)
    spread = f"{min(right):.1%} to {max(right):.1%}"
    print(f"{name}, {bend}: right {np.mean(right):.1%} ({spread}), still {np.mean(still):.0%}")


def trainings() -> None:
    """The table of the step on training."""
    made = answers._trained
    training("no hidden layer", made(sizes="[196, 10]", step="0.5"), "relu")
    for bend in ("relu", "sigmoid"):
        training("from zeros", made(begin="0", step="1.0"), bend)
        training("solution", made(), bend)
        training("begins at 2", made(begin="2", step="0.5"), bend)
    for step in ("2.0", "2.5"):
        training(f"step {step}", made(step=step), "relu")


def doubts() -> None:
    """What the net claims of digits and of nothing, and what is near to what it learnt from."""
    rows: dict[str, list[list[float]]] = {}
    inks = list[float]()
    for seed in range(DRAWS):
        x, y, fresh, _ = drawn(seed, 2000, 400)
        layers = net.trained(x, y, seed)
        dice = np.random.default_rng(seed)
        kinds = {"digits": fresh} | {how: net.spoiled(fresh, how, dice) for how in net.NONSENSE}
        inks.append(kinds["inverted"].sum() / fresh.sum())
        for how, pictures in kinds.items():
            sure = net.forward(pictures, layers, "relu")[-1].max(axis=1)
            squares = (pictures**2).sum(axis=1)[:, None] - 2 * pictures @ x.T + (x**2).sum(axis=1)
            near = np.sqrt(np.maximum(squares, 0).min(axis=1))
            rows.setdefault(how, []).append(
                [(sure > 0.9).mean(), (sure > 0.99).mean(), *np.quantile(near, (0.02, 0.5, 0.98))]
            )
    for how, found in rows.items():
        print(how, "over .9, over .99, near 2 % 50 % 98 %:", np.mean(found, axis=0).round(2))
    print(f"ink of the inverted: {np.mean(inks):.1f} times")


def clear_lead() -> None:
    """The chance that softmax makes of a lead of 5 over nine others."""
    print(f"a lead of 5: {1 / (1 + 9 * np.exp(-5)):.3f}, of 7: {1 / (1 + 9 * np.exp(-7)):.3f}")


if __name__ == "__main__":
    trainings()
    doubts()

    clear_lead()
