"""The numbers in the lesson, made again: `python measure.py [judge|moments|known|long]`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np  # noqa: TID253 - a program of its own

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("clips", "films", "plans", "scenes")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
clips, films, plans, scenes = _modules
measures: Any = importlib.import_module("agentlab_tools.film.measures")
moves: Any = importlib.import_module("agentlab_tools.film.moves")
together: Any = importlib.import_module("agentlab_tools.film.painter").together
DRAWS, CLIPS = 10, 120


def judge() -> None:
    """How often the judge reads the digit asked for in every frame, by kind of clip."""
    found: dict[str, list[bool]] = {}
    for seed in range(DRAWS):
        for clip in clips.clips(seed):
            right = (measures.reads(clip.frames) == clip.digit).all()
            found.setdefault(clip.name, []).append(bool(right))
    for name, rows in found.items():
        print(f"{name}: read as the digit asked for in all frames: {np.mean(rows):.0%}")


def moments() -> None:
    """Clips of eight frames, all at once or one by one, in more or fewer moments."""
    dice: Any = np.random.default_rng(0)
    truth, told = moves.clips(dice, CLIPS, *clips.clear(), every=True)
    noise = dice.normal(size=truth.shape)
    levels = np.array([0.0] + [1.0] * 7)
    x = np.concatenate([truth[:, :1] * 2 - 1, noise[:, 1:]], axis=1)
    for count in (1, 2, 4, 8, 16):
        tried = {"at once": together(1, count), "one by one": films.one_by_one(count)}
        for name, plan in tried.items():
            _told(f"{name}, {count} moments", films.painter().draws(x, levels, plan, *told), truth)
    for count in (1, 16):
        nothing = films.painter().draws(noise, np.ones(8), together(0, count), *told)
        _told(f"from the prompt alone, {count} moments", nothing, truth)


def _told(name: str, made: Any, truth: Any) -> None:
    made = np.clip((made + 1) / 2, 0, 1)
    first = [measures.reads(one[:1])[0] for one in truth]
    right = np.mean([measures.reads(one[-1:])[0] == d for one, d in zip(made, first, strict=True)])
    alike = np.mean([measures.kept(one)[-1] for one in made])
    far = np.mean([measures.astray(a, b)[-1] for a, b in zip(made, truth, strict=True)])
    peak = made[:, -1].max(axis=(1, 2)).mean()
    off = ((made - truth)[:, 1:] ** 2).mean() / ((truth[:, :1] - truth[:, 1:]) ** 2).mean()
    print(
        f"{name}: error {off:.3f} of a still picture's; last frame: read right {right:.0%}, "
        f"correlation {alike:.2f}, {far:.2f} points off, brightest point {peak:.2f}",
        flush=True,
    )


def known() -> None:
    """The eighth frame, drawn in one call behind so many true ones."""
    for count in (1, 3, 5, 7):
        likes: list[float] = []
        for here in map(scenes.scene, range(DRAWS)):
            x = np.concatenate([here.truth[:, :count] * 2 - 1, here.x[:, count:8]], axis=1)
            levels = np.array([[0.0] * count + [1.0] * (8 - count)] * len(x))
            said = films.painter().believes(x, levels, here.digit, here.motion[:, 0])[:, 7]
            clips_of = np.stack([here.truth[:, 0], np.clip((said + 1) / 2, 0, 1)], axis=1)
            likes += [float(measures.kept(clip)[1]) for clip in clips_of]
        print(f"{count} true frames known: correlation of the eighth {np.mean(likes):.3f}")


def long() -> None:
    """Films of 29 frames, by plan: how like itself the digit stays, and how far it strays."""
    tried: dict[str, Sequence[Any]] = {
        f"{keep} kept, {count} moments": films.windows(scenes.LONG, keep, count)
        for keep in (1, 4)
        for count in (1, 2, 4, 8)
    }
    tried["2 kept, 1 moment"] = films.windows(scenes.LONG, 2, 1)
    for name, frames in {
        "one by one": range(1, 8),
        "one by one, from the last": range(7, 0, -1),
    }.items():
        for count in (1, 2, 8):
            tried[f"{name}, {count} moments"] = shots(list(frames), count)
    for name, plan in tried.items():
        rows = [
            scenes.rated(scenes.shot(plan, here), here) for here in map(scenes.scene, range(DRAWS))
        ]
        parts = [
            f"{key} {np.mean([row[key] for row in rows]):.2f} "
            f"({min(row[key] for row in rows):.2f} to {max(row[key] for row in rows):.2f})"
            for key in rows[0]
        ]
        print(f"{name}, {len(plan)} calls: {', '.join(parts)}", flush=True)


def shots(order: Sequence[int], count: int) -> list[Any]:
    """The frames of each shot one by one, in that order."""
    plan: list[Any] = []
    for first in range(0, scenes.LONG - 1, scenes.SHOT):
        levels = [0.0] + [1.0] * scenes.SHOT
        for at in order:
            for n in range(count):
                after = levels.copy()
                after[at] = 1 - (n + 1) / count
                plan.append((first, levels, after))
                levels = after
    return plan


if __name__ == "__main__":
    every = {"judge": judge, "moments": moments, "known": known, "long": long}
    for name in sys.argv[1:] or every:
        every[name]()
