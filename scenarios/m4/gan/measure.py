"""The numbers in the lesson, made again: `python measure.py [slopes|distances|turns|mean|ills]`."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np  # noqa: TID253 - a program of its own

from agentlab_tools.digits import judge, measures

torch: Any = importlib.import_module("torch")
functional: Any = torch.nn.functional
_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_NAMES = ("games", "played", "sets")
_modules: Any = tuple(importlib.import_module(f"{_HERE.name}.{name}") for name in _NAMES)
games, played, sets = _modules
DRAWS = 5
_KEPT = "        frame(made_of("


def program(text: str, watch: Any = None) -> dict[str, Any]:
    """What a program of the lab defines; `watch` gets what it would show of its training."""
    film = types.ModuleType("film")
    film.__dict__["frame"] = watch or id
    sys.modules["film"] = film
    torch.set_num_threads(1)
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the lab's own
    return space


def tried(text: str, seed: int) -> Any:
    """What is measured of a program's generator."""
    game, space = played.Game.of(seed), program(text)
    torch.manual_seed(seed)
    np.random.seed(seed)
    given = (game.x, game.y)
    if "torch" in text:
        given = tuple(torch.tensor(one) for one in given)
    made = space["train"](*given)
    with torch.no_grad():
        drawn = space["draw"](made, torch.tensor(game.asked))
    return game.measured(np.asarray(torch.as_tensor(drawn).float()))


def shown(name: str, found: list[Any]) -> None:
    """Mean, least and most of each measure."""
    parts = [
        f"{key} {np.mean(row):.3g} ({min(row):.3g} to {max(row):.3g})"
        for key in found[0]
        for row in [[one[key] for one in found]]
    ]
    print(f"{name}: {', '.join(parts)}", flush=True)


def slopes() -> None:
    """How steep both losses of the generator are, while its opponent learns alone."""
    x, y, *_ = (torch.tensor(one) for one in sets.digits())
    torch.manual_seed(0)
    space = program(games.GAME.solution.code)
    generator, other = space["layers"](26, 256, 256, 196), space["layers"](196, 256, 256, 10)
    adam = torch.optim.Adam(other.parameters(), 0.003, betas=(0.5, 0.99))
    for n in range(201):
        rows = torch.randint(len(x), (64,))
        digits = y[rows]
        made = space["made_of"](generator, torch.randn(64, 16), digits)
        real, fake = (other(one).gather(1, digits[:, None])[:, 0] for one in (x[rows], made))
        if n in (0, 10, 50, 200):
            losses = {
                "minimax": functional.logsigmoid(-fake).mean(),
                "other": -functional.logsigmoid(fake).mean(),
            }
            steep = {
                name: sum(
                    float(part.square().sum())
                    for part in torch.autograd.grad(
                        loss, list(generator.parameters()), retain_graph=True
                    )
                )
                ** 0.5
                for name, loss in losses.items()
            }
            print(f"after {n}: score {fake.mean().item():.1f}, slopes {steep}")
        loss = functional.softplus(-real).mean() + functional.softplus(fake).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()


def table() -> None:
    """Fréchet distances of sets of digits from 1,000 real ones."""
    found = [
        {name: measures.distances(one, other)[1] for name, one, other in played.compared(seed)}
        for seed in range(DRAWS)
    ]
    for name in found[0]:
        shown(name, [{"distance": one[name]} for one in found])
    asked = np.repeat(np.arange(10), 500)
    for name in ("well", "collapsed"):
        drawn = sets.of_net(name, asked, np.random.default_rng(0))
        share = (judge.read(drawn).argmax(axis=1) == asked).mean()
        print(f"the net {name}: {share:.1%} read as what was asked")


def turns() -> None:
    """What comes of more turns of the generator to one of the discriminator's."""
    for count in (1, 2, 5):
        text = games._game(rounds=1200 // (count + 1), turns=count)
        shown(f"{count} turns", [tried(text, seed) for seed in range(DRAWS)])


def mean() -> None:
    """A generator at several moments, and the mean of its weights at the same."""
    text = games._game(rounds=1200)
    text = text.replace(_KEPT, "        frame(generator, mean); (made_of(")
    found: dict[int, list[list[float]]] = {}
    for seed in range(DRAWS):
        for n, one in enumerate(_moments(text, played.Game.of(seed))):
            found.setdefault(n, []).append([one["asked"], one["far"], one["varied"]])
    for n, rows in found.items():
        who = "mean" if n % 2 else "now"
        print(f"round {120 * (n // 2 + 1)}, {who}: {np.mean(rows, axis=0).round(3)}")


def _moments(text: str, game: Any) -> list[Any]:
    """What is measured of each moment's generator, and of the mean up to it, in turns."""
    moments: list[Any] = []
    asked = torch.tensor(game.asked)

    def watch(now: Any, kept: Any) -> None:
        with torch.no_grad():
            noise = torch.randn(len(asked), 16)
            moments.extend(
                game.measured(space["made_of"](net, noise, asked).numpy()) for net in (now, kept)
            )

    space = program(text, watch)
    torch.manual_seed(game.seed)
    space["train"](torch.tensor(game.x), torch.tensor(game.y))
    return moments


def ills() -> None:
    """What is measured of right answers and of wrong ones."""
    answers = games.GAME
    for name, answer in {"solution": answers.solution, **answers.also, **answers.wrong}.items():
        shown(name, [tried(answer.code, seed) for seed in range(DRAWS)])


if __name__ == "__main__":
    every = {"slopes": slopes, "distances": table, "turns": turns, "mean": mean, "ills": ills}
    for name in sys.argv[1:] or every:
        every[name]()
