"""The numbers in the lesson: `python measure.py [cost|idle|first|routers|longer|batch]`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np  # noqa: TID253 - a program of its own

torch: Any = importlib.import_module("torch")
_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("counting", "held", "inside", "learning", "make_dense", "net", "sorting", "texts")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
counting, held, inside, learning, make_dense, net, sorting, texts = _modules
SEEDS = range(8)
"""Two for each fold."""
_KNOWS = "def router(texts, languages):\n    return lambda windows: known\n"


def trained(code: str, seed: int, names: dict[str, Any], told: dict[str, Any]) -> Any:
    """What our code leaves of a training with a learner's functions, and the trial."""
    torch.set_num_threads(1)
    trial = held.Trial.of(seed)
    space: dict[str, Any] = {"numpy": np, **names}
    space["_given"] = {"seen": trial.known.seen, "then": trial.known.then}
    space["_told"] = {**trial.settings, "net": inside.NET, **told}
    exec(code, space)  # noqa: S102 - the lab's own
    return space, trial


def defined(program: str) -> dict[str, Any]:
    """What a program defines."""
    space: dict[str, Any] = {}
    exec(program, space)  # noqa: S102 - the lab's own
    return space


def learnt(program: str, seed: int, **told: Any) -> dict[str, Any]:
    """What a net with a learner's layer comes to."""
    space, trial = trained(inside.LEARN, seed, defined(program), told)
    read = net.read(net.weights(space["_made"]), trial.held)
    idle = int((read.shares() < 1 / 4 / net.EXPERTS).sum())
    return {**trial.found(read), "seconds": space["_seconds"], "idle": idle}


def dealt(program: str | None, seed: int) -> dict[str, Any]:
    """What a net comes to whose windows a router deals out; None knows each one's language."""
    trial = held.Trial.of(seed)
    names = texts.languages()
    told = {
        "windows": trial.known.strings(),
        "texts": [text for _, text in trial.texts],
        "languages": [names[n] for n, _ in trial.texts],
    }
    kept = defined(program or _KNOWS)
    kept["known"] = trial.known.language
    space, trial = trained(inside.SORT, seed, kept, told)
    chosen = trial.held.language
    if program:
        chosen = np.array(space["_chosen"](trial.held.strings()))
    own = net.table(chosen, trial.held.language).argmax(axis=0)
    right = float((own[chosen] == trial.held.language).mean())
    read = net.read(net.weights(space["_made"]), trial.held, chosen)
    return {**trial.found(read), "right": right}


def shown(name: str, rows: list[dict[str, Any]]) -> None:
    """Mean, least and most of each number, and of what a loss is below the dense nets."""
    for row in rows:
        row["under"], row["sharp"] = row["dense"] - row["loss"], row["wide"] - row["loss"]
    parts = [
        f"{key} {np.mean(some):.3f} ({min(some):.3f} to {max(some):.3f})"
        for key in rows[0]
        for some in [[float(row[key]) for row in rows]]
    ]
    print(f"{name}: {', '.join(parts)}", flush=True)


def cost() -> None:
    """A dense net, one as wide as all experts, and the experts."""
    found: dict[str, list[float]] = held.dense()
    print("dense, wide:", {name: round(float(np.mean(row)), 3) for name, row in found.items()})
    print("dense, told:", np.mean([make_dense.dense(s % 4, 64, s, told=True) for s in SEEDS]))
    print("wide, told:", np.mean([make_dense.dense(s % 4, 512, s, told=True) for s in range(4)]))
    answers = learning.LEARN
    for name, answer in {"solution": answers.solution, **answers.also}.items():
        shown(name, [learnt(answer.code, seed) for seed in SEEDS])


def idle() -> None:
    """What comes of no balance, and of other terms."""
    answers = learning.LEARN
    rest = {"starter": answers.starter, **answers.wrong}
    for name in ("starter", "counts-alone", "turned-round", "each-row-for-itself", "z-loss"):
        shown(name, [learnt(rest[name].code, seed) for seed in SEEDS])
    for name, code in {
        "strong": answers.solution.code.replace("0.05", "5"),
        "chance left out": answers.wrong["chance-left-out"].code,
    }.items():
        shown(name, [learnt(code, seed) for seed in SEEDS])


def first() -> None:
    """The balancing loss and the largest share, at the first step, the tenth and the last."""
    log = "kept.append((share.max().item(), extra.item() / 0.05))"
    program = learning.LEARN.solution.code.replace("    return", f"    {log}\n    return")
    for seed in range(4):
        names = defined(program)
        kept: list[tuple[float, float]] = []
        names["kept"] = kept
        trained(inside.LEARN, seed, names, {})
        for at in (0, 9, -1):
            print(f"seed {seed}: the largest share {kept[at][0]:.3f}, the loss {kept[at][1]:.4f}")


def routers() -> None:
    """Who deals out, and what that comes to."""
    answers = sorting.SORT
    shown("language known", [dealt(None, seed) for seed in SEEDS])
    tried = {"solution": answers.solution, **answers.also, "starter": answers.starter}
    tried |= {name: answers.wrong[name] for name in ("letters-alone", "by-chance")}
    for name, answer in tried.items():
        shown(name, [dealt(answer.code, seed) for seed in SEEDS])


def longer() -> None:
    """Whether a router finds the languages if it learns for longer."""
    for steps in (600, 1200, 2400):
        code = learning.LEARN.solution.code
        shown(f"{steps} steps", [learnt(code, seed, steps=steps) for seed in range(4)])


def batch() -> None:
    """What a batch reads of Mixtral, and of a dense model with as many weights for a token."""
    for name, shape in counting.PUBLISHED.items():
        for tokens in (1, 2, 4, 8, 32, 128):
            total, active, read = counting.counted(shape, tokens)
            each = read / tokens / 1e9
            print(f"{name}, {tokens}: {read / 1e9:.1f} of {total / 1e9:.1f}, {each:.2f} a token, "
                  f"{read / active:.2f} times a dense one")  # fmt: skip


if __name__ == "__main__":
    every = {"cost": cost, "idle": idle, "first": first, "routers": routers}
    every |= {"longer": longer, "batch": batch}
    for name in sys.argv[1:] or every:
        every[name]()
