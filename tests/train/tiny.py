"""A recipe small enough for any machine: fit a line by noisy gradient steps, on NumPy alone.

The loss depends on the data's order, on NumPy's random state and on the optimizer's momentum, so it
comes out the same only if all three go on where they were.
"""

from __future__ import annotations

import time
from pathlib import Path

from agentlab_tools.train.recipe import Recipe, RecipeSettings, Work


class Settings(RecipeSettings):
    data: str | None = None
    steps: int = 40
    lr: float = 0.05
    pause: float = 0.0
    """Seconds each step takes."""
    fill: int = 0
    """Bytes each checkpoint takes beside the weights."""
    grow: int = 0
    """Bytes of memory each step takes and keeps."""
    raise_at: int = 0
    diverge: bool = False
    ignore_stop: bool = False


def train(settings: Settings, work: Work) -> None:
    """Fit a line."""
    import numpy as np

    work.seed_everything()
    x = np.linspace(-1, 1, 64)
    y = 3 * x + 1
    weights, momentum = np.random.normal(size=2), np.zeros(2)
    if (last := work.latest()) is not None:
        loaded = np.load(last.folder / "model.npz")
        weights, momentum = loaded["weights"], loaded["momentum"]
    kept: list[bytes] = []
    work.say(f"training on {settings.data or 'a line'}")

    def save(folder: Path) -> None:
        np.savez(folder / "model.npz", weights=weights, momentum=momentum)
        (folder / "filler.bin").write_bytes(b"x" * settings.fill)

    while settings.ignore_stop:
        time.sleep(0.05)
    for step in work.steps(settings.steps):
        time.sleep(settings.pause)
        if step == settings.raise_at:
            raise RuntimeError("a bug in the recipe")
        kept.append(b"x" * settings.grow)
        rows = work.batch(step, 8, of=len(x))
        noise = np.random.normal(scale=0.1, size=8)
        off = weights[0] * x[rows] + weights[1] - y[rows] + noise
        loss = float((off**2).mean())
        gradient = np.array([(2 * off * x[rows]).mean(), (2 * off).mean()])
        momentum = 0.9 * momentum - settings.lr * gradient
        weights = weights + momentum
        if settings.diverge:
            loss = float("nan")
        work.report(step, loss=loss, lr=settings.lr, tokens=8, slope=weights[0])
        if work.due(step):
            work.checkpoint(step, save)
    work.artifact("line.txt", lambda path: path.write_text(f"{weights[0]!r} {weights[1]!r}"))
    print("done")


recipe = Recipe("tiny", "Fit a line", Settings, train, needs=("numpy",), extra="tools")
