"""The numbers in the lesson, made again: `python measure.py [PARTS [SEEDS]]` in this folder."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: TID253 - a program of its own

solve: Any = np.linalg.solve

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE.parent), str(_HERE)]
answers, eyes, seen, looking, space = (
    importlib.import_module(f"{_HERE.name}.{name}")
    for name in ("answers", "eyes", "seen", "looking", "space")
)
DRAWS = 3
MANY = 96
WORDINGS = {
    "examples": (eyes.BEFORE, eyes.AFTER),
    "meaning": ("A word that means almost the same as", " is"),
    "caption": ("Picture:", "\nCaption: a"),
}
Learn = Callable[..., Any]
Part = Callable[[int], dict[str, float]]


def line(longer: float = 1.0) -> Learn:
    """From what is seen to the word's vector by ridge, and so much further from the mean."""

    def learn(x: Any, y: Any, z: Any, words: Any, tokens: Any, names: Any) -> Any:
        middle = names.mean(axis=0)
        way: Any = solve(x.T @ x + 3000 * np.eye(x.shape[1]), x.T @ (names - middle))

        def soft(pictures: Any) -> Any:
            return (middle + longer * (pictures @ way))[:, None]

        return soft

    return learn


def only(place: int) -> Learn:
    """One of the two mixtures alone: 0 of words, 1 of known pictures' names."""

    def learn(**given: Any) -> Any:
        soft: Any = eyes.learn(**given)

        def one(pictures: Any) -> Any:
            return soft(pictures)[:, place : place + 1]

        return one

    return learn


def shares(soft: Any, seed: int, before: str, after: str, rolled: int = 0) -> dict[str, float]:
    """What is right of new drawings and new things: by the picture, by what it adds, without."""
    found: dict[str, float] = {}
    middle = eyes.rows_of(soft, seen.split(seed).known[:: looking._MIDDLE]).mean(axis=0)
    every = looking.drawn(seed)
    for name, asked in (
        ("drawings", every[: looking.DRAWINGS]),
        ("things", every[looking.DRAWINGS :]),
    ):
        rows = np.roll(eyes.rows_of(soft, [one.picture for one in asked]), rolled, axis=0)
        own = eyes.scores(rows, asked, before, after)
        none = eyes.scores(middle, asked, before, after)
        right = [one.right for one in asked]
        for how, table in (("likeliest", own), ("gain", own - none), ("without", none)):
            found[f"{name} {how}"] = float((table.argmax(axis=1) == right).mean())
    return found


def of_draws(name: str, seeds: Sequence[int], made: Part) -> None:
    """Mean of draws, and the least and most."""
    found: Sequence[dict[str, float]] = [made(seed) for seed in seeds]
    for key in found[0]:
        each = [one[key] for one in found]
        print(f"{name}: {key} {np.mean(each):.3f} ({min(each):.3f} to {max(each):.3f})", flush=True)


def cosines(seed: int) -> dict[str, float]:
    """The space alone, with no language model: the nearest of the five names."""
    given = seen.split(seed).given()
    both = np.concatenate([given["x"]] * 2), np.concatenate([given["y"], given["z"]])
    see, read = space.agree(*both)
    every = looking.drawn(seed)
    hits = [
        int(
            (
                space.unit(read(seen.emoji().of_names[list(one.choices)]))
                @ space.unit(see(seen.features()[one.picture.maker, one.picture.thing][None]))[0]
            ).argmax()
            == one.right
        )
        for one in every
    ]
    return {
        "drawings": float(np.mean(hits[: looking.DRAWINGS])),
        "things": float(np.mean(hits[looking.DRAWINGS :])),
    }


def written(seed: int) -> dict[str, float]:
    """The right name itself, as one vector: what the reader can do at most."""
    every = looking.drawn(seed)[: looking.DRAWINGS]
    rows = np.stack([seen.token(one.names()[one.right])[None] for one in every])
    own = eyes.scores(rows, every)
    none = eyes.scores(rows.mean(axis=0), every)
    right = [one.right for one in every]
    return {
        "likeliest": float((own.argmax(axis=1) == right).mean()),
        "gain": float(((own - none).argmax(axis=1) == right).mean()),
    }


def new_things(seed: int) -> dict[str, float]:
    """More questions on new things than a learner gets: those are few."""
    asked = seen.questions(seen.split(seed).things, MANY, seed)
    soft = eyes.learnt(seed)
    middle = eyes.rows_of(soft, seen.split(seed).known[:: looking._MIDDLE]).mean(axis=0)
    own = eyes.scores(eyes.rows_of(soft, [one.picture for one in asked]), asked)
    none = eyes.scores(middle, asked)
    right = [one.right for one in asked]
    return {
        "likeliest": float((own.argmax(axis=1) == right).mean()),
        "gain": float(((own - none).argmax(axis=1) == right).mean()),
        "without": float((none.argmax(axis=1) == right).mean()),
    }


def _words(name: str, rolled: int = 0) -> Part:
    return lambda seed: shares(eyes.learnt(seed), seed, *WORDINGS[name], rolled=rolled)


def _way(learn: Learn) -> Part:
    return lambda seed: shares(learn(**seen.split(seed).given()), seed, *WORDINGS["examples"])


PARTS: dict[str, Part] = {
    "space": cosines,
    "name": written,
    "things": new_things,
    **{one: _words(one) for one in WORDINGS},
    "another": _words("examples", rolled=1),
    "line": _way(line()),
    "longer": _way(line(3.0)),
    "words": _way(only(0)),
    "pictures": _way(only(1)),
}


if __name__ == "__main__":
    wanted = sys.argv[1].split(",") if len(sys.argv) > 1 else list(PARTS)
    seeds = [int(one) for one in sys.argv[2].split(",")] if len(sys.argv) > 2 else range(DRAWS)
    for name in wanted:
        of_draws(name, seeds, PARTS[name])
