"""The numbers in the lesson: `python measure.py [perfect|left|louder|answers|solvers|wishes]`."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="passive")

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.diffusion import captions, judges, kept

torch: Any = importlib.import_module("torch")
_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
sys.modules["net"] = importlib.import_module("agentlab_tools.diffusion.net")
_NAMES = ("learning", "answers_learn", "perfect", "sampling", "looks", "painter")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
learning, answers, perfect, sampling, looks, painter = _modules
DRAWS = 3


def program(text: str) -> dict[str, Any]:
    """What a program of the lab defines."""
    torch.set_num_threads(1)
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the lab's own
    return space


def tried(text: str, seed: int, words: Any = None) -> tuple[Any, dict[str, Any]]:
    """A net that a program trained, and what is measured of its drawings.

    Args:
        words: vectors of the 60 prompts, in place of their words.
    """
    trial, space = learning.Trial.of(seed), program(text)
    torch.manual_seed(seed)
    prompts, told = trial.prompts, trial.told()
    if words is not None:
        known = captions.as_words(captions.prompts())
        prompts, told = words[(prompts @ known.T).argmax(axis=1)], words[trial.asked]
    net = space["train"](torch.tensor(trial.x), torch.tensor(prompts))
    noise, asked = torch.tensor(trial.noise), torch.tensor(told)
    made = {g: space["draw"](net, noise, asked, g).detach().numpy() for g in learning.GUIDED}
    return net, trial.measured(made)


def shown(name: str, found: list[dict[str, Any]]) -> None:
    """The mean of each measure over draws, and its least and most."""
    flat = [
        {
            **{f"{key}@{g}": v for key in ("shown", "unshown") for g, v in one[key].items()},
            **{key: one[key] for key in ("varied", "far", "new")},
        }
        for one in found
    ]
    for key in flat[0]:
        row = [one[key] for one in flat]
        print(f"{name}: {key} {np.mean(row):.3g} ({min(row):.3g} to {max(row):.3g})", flush=True)


def left() -> None:
    """A prompt that is left out in training or never, as words or as a sentence's vector."""
    sentences = captions.embed()(captions.prompts())
    dropped = answers.LEARN.solution.code
    never = dropped.replace("(torch.rand(256, 1) > 0.15) * ", "")
    wide = "Net(Shape(text=384))"
    for name, text, words in (
        ("words, left out", dropped, None),
        ("words, never", never, None),
        ("sentence, left out", dropped.replace("Net(Shape())", wide), sentences),
        ("sentence, never", never.replace("Net(Shape())", wide), sentences),
    ):
        shown(name, [tried(text, seed, words)[1] for seed in range(DRAWS)])


def perfects() -> None:
    """The loss of the best direction and of a net, on known digits and on others, and copies."""
    trial = learning.Trial.of(0)
    net, _ = tried(answers.LEARN.solution.code, 0)
    fresh = trial.latents.encode(trial.fresh)
    dice: Any = np.random.default_rng(0)
    told = captions.as_words(captions.prompts())
    several: Any = (("known", trial.x[:400]), ("others", fresh[:400]))
    for name, rows in several:
        lost: dict[str, list[Any]] = {"best": [], "net": []}
        for t in (0.1, 0.3, 0.5, 0.7, 0.9):
            noise = dice.normal(size=rows.shape)
            x, way = (1 - t) * noise + t * rows, rows - noise
            parts = [perfect.best(x[at : at + 100], t, trial.x) for at in range(0, len(x), 100)]
            lost["best"].append(float(((np.concatenate(parts) - way) ** 2).mean()))
            nobody = torch.zeros(len(x), told.shape[1])
            said = net(torch.tensor(x, dtype=torch.float32), torch.full((len(x),), t), nobody)
            lost["net"].append(float(((said.detach().numpy() - way) ** 2).mean()))
        print(f"{name}: loss without a prompt, best {np.mean(lost['best']):.3f}, ", end="")
        print(f"net {np.mean(lost['net']):.3f}", [round(x, 3) for x in lost["best"]])
    x, steps = trial.noise[:60].astype(float), 40
    for n in range(steps):
        x = x + perfect.best(x, n / steps, trial.x) / steps
    gap = perfect.nearest(x, trial.x)
    made = answers_draw(net, trial)
    real = np.median(perfect.nearest(fresh[:60], trial.x))
    print(f"walked: {np.median(gap):.4f} from known, {(gap < 0.05 * real).mean():.0%} copies")
    near = perfect.nearest(made, trial.x)
    print(f"net: {np.median(near):.3f}, {(near < 0.05 * real).mean():.0%}; real ones {real:.3f}")


def answers_draw(net: Any, trial: Any) -> Any:
    """Pictures that the net of the solution draws with nobody asked."""
    space = program(answers.LEARN.solution.code)
    noise = torch.tensor(trial.noise[:60])
    return space["draw"](net, noise, torch.zeros(60, 16), 0.0).numpy().astype(float)


def louder() -> None:
    """Guidance, and in its place a prompt whose numbers are made larger."""
    for name in ("solution", "louder-numbers"):
        answer = {"solution": answers.LEARN.solution, **answers.LEARN.wrong}[name]
        shown(name, [tried(answer.code, seed)[1] for seed in range(DRAWS)])


def points() -> None:
    """The same rounds on the points themselves, 588 of a picture."""
    text = answers.LEARN.solution.code.replace("Shape()", "Shape(numbers=588)")
    for seed in range(DRAWS):
        trial, space = learning.Trial.of(seed), program(text)
        pictures = trial.latents.decode(trial.x).reshape(len(trial.x), -1)
        torch.manual_seed(seed)
        net = space["train"](torch.tensor(pictures), torch.tensor(trial.prompts))
        noise, asked = torch.randn(len(trial.asked), 588), torch.tensor(trial.told())
        made = {g: space["draw"](net, noise, asked, g).numpy() for g in learning.GUIDED}
        encoded = {g: trial.latents.encode(rows.clip(-1, 1)) for g, rows in made.items()}
        shown("points", [trial.measured(encoded)])


def solvers() -> None:
    """How far steps of two kinds end from the exact pictures, by how often the net is asked."""
    for guidance in (1.0, 2.0, 4.0):
        off: dict[str, list[float]] = {}
        for seed in range(DRAWS):
            task = dataclasses.replace(sampling.tasks(seed)[0], guidance=guidance)
            due = looks.exact(task)
            for count in (4, 8, 16):
                for name, order in (("euler", 1), ("middle", 2), ("four", 4)):
                    made = looks.walked(task, count // order, order)
                    off.setdefault(f"{count} {name}", []).append(sampling.off(made, due))
        told = {name: round(float(np.mean(rows)), 3) for name, rows in off.items()}
        print(f"guidance {guidance:g}, directions and rule: {told}", flush=True)


def seen() -> None:
    """What EfficientNet sees, by guidance and by the number of Euler's steps."""
    for guidance in (0.0, 1.0, 2.0, 3.0, 4.0, 6.0):
        for count in (2, 4, 8, 40):
            first: list[float] = []
            for seed in range(DRAWS):
                task = dataclasses.replace(sampling.tasks(seed)[0], guidance=guidance)
                pictures = kept.packed().latents.decode(looks.walked(task, count))
                right = [sampling.names().index(name) for name in task.prompts]
                first += (judges.emoji_read(pictures).argmax(axis=1) == right).tolist()
            print(f"guidance {guidance:g}, {count} steps: {np.mean(first):.3f} named", flush=True)


def wishes() -> None:
    """How many wishes come true, if the net gets the wish itself, or what the agent makes of it."""
    asked = [
        painter.Wish(name, words.format(said))
        for name, said in painter.NAMES.items()
        for words in painter.WISHES
    ]
    prompts = asyncio.run(painter.worded(asked))
    count = kept.packed().latents.count
    for name, told in (("wish", [one.words for one in asked]), ("agent", prompts)):
        dice = np.random.default_rng(0)
        each = [text for text in told for _ in range(sampling.PAINTED)]
        task = looks.Task(dice.normal(size=(len(each), count)), each, *sampling.BY_AGENT)
        pictures = kept.packed().latents.decode(looks.walked(task, 20, 2))
        alike = judges.emoji_read(pictures).reshape(len(told), sampling.PAINTED, -1).mean(axis=1)
        true = [
            sampling._seen(wish, text, row, sampling.names())
            for wish, text, row in zip(asked, told, alike, strict=True)
        ]
        print(f"{name}: {np.mean([one['true'] for one in true]):.0%} come true")
        for wish, one in zip(asked, true, strict=True):
            if not one["true"]:
                print("   no:", wish.name, "|", one["prompt"][:50], "|", one["seen"])


if __name__ == "__main__":
    every = {
        "perfect": perfects,
        "left": left,
        "louder": louder,
        "points": points,
        "solvers": solvers,
        "seen": seen,
        "wishes": wishes,
    }
    for name in sys.argv[1:] or every:
        every[name]()
