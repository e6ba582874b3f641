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

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
answers, net, tools = (
    importlib.import_module(f"{_HERE.name}.{name}") for name in ("answers", "net", "tools")
)
DRAWS = 10
_GAUSS = "self.filters = rng.normal(size=({count}, 9, 9)) / 9"


def program(text: str) -> dict[str, Any]:
    """What a program of the lab defines."""
    sys.modules["engine"] = types.ModuleType("engine")
    exec(tools.ENGINE.read_text(encoding="utf-8"), sys.modules["engine"].__dict__)  # noqa: S102
    space: dict[str, Any] = {}
    exec(text, space)  # noqa: S102 - the lab's own
    return space


def reading(name: str, reads: str | type[Any]) -> None:
    """How many fresh digits are right, in the middle and moved, for a program or a class."""
    shares: list[Any] = []
    for seed in range(DRAWS):
        x, y, fresh, right = net.drawn(seed, tools.KNOWN, tools.FRESH)
        made = program(reads)["Reader"] if isinstance(reads, str) else reads
        reader = made(net.shifted(x, 0, 0), y)
        said = reader.read(tools.moved(fresh))
        shares.append((said.reshape(len(tools.SHIFTS), -1) == right).mean(axis=1))
        if not seed and name == "solution":
            print(tools._beside(reader.filters, net.shifted(x, 0, 0)))
    print(f"{name}: {np.mean(shares, axis=0).round(3)}, {_spread(shares)}")


class Usual:
    """What most such nets are: learnt filters, pooled by 2, and a dense layer on top."""

    def __init__(self, x: Any, y: Any) -> None:
        torch: Any = importlib.import_module("torch")
        nn = torch.nn
        torch.set_num_threads(1)
        torch.manual_seed(0)
        maps = (nn.Conv2d(1, 12, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.net = nn.Sequential(*maps, nn.Linear(12 * 7 * 7, 10))
        pictures, digits = torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y)
        adam = torch.optim.Adam(self.net.parameters(), lr=0.003)
        for _ in range(10):
            for rows in torch.randperm(len(x)).split(50):
                adam.zero_grad()
                nn.functional.cross_entropy(self.net(pictures[rows]), digits[rows]).backward()
                adam.step()

    def read(self, pictures: Any) -> Any:
        """The digit in each picture."""
        torch: Any = importlib.import_module("torch")
        with torch.no_grad():
            seen = torch.tensor(pictures, dtype=torch.float32)[:, None]
            return self.net(seen).argmax(dim=1).numpy()


def finding(name: str, text: str) -> None:
    """How many places are found, and how many with their digit."""
    shares: list[Any] = []
    for seed in range(DRAWS):
        x, y, fresh, right = net.drawn(seed, tools.KNOWN, tools.FRESH)
        scenes, places = net.scenes(fresh[: tools.SCENES], fresh[tools.SCENES :], seed)
        finder = program(text)["Finder"](x, y)
        said = np.array([finder.find(scene) for scene in scenes]).astype(int)
        near = (np.abs(said[:, 1:] - np.array(places)) <= tools.NEAR).all(axis=1)
        shares.append([near.mean(), (near & (said[:, 0] == right[: tools.SCENES])).mean()])
    print(f"{name}: {np.mean(shares, axis=0).round(3)}, {_spread(shares)}")


def _spread(shares: list[Any]) -> str:
    return f"{np.min(shares, axis=0).round(3)} to {np.max(shares, axis=0).round(3)}"


def edges() -> None:
    """How many columns of a picture of 14 the edge has reached, after so many padded layers."""
    for layers in (1, 2, 7):
        _, spoilt = net.moves(["conv 3 1 1"] * layers, net.SIDE)
        print(f"{layers} padded layers of 3 by 3: {spoilt} columns of either side")


def _known(known: Any) -> dict[str, str]:
    found = {"starter": known.starter, "solution": known.solution, **known.also, **known.wrong}
    return {name: answer.code for name, answer in found.items()}


if __name__ == "__main__":
    edges()
    for name, text in _known(answers.SHIFTED).items():
        reading(name, text)
    reading("usual, in PyTorch", Usual)
    reading("13 by 13, with room", answers._learnt(size=13, padding=6))
    for count in (32, 128):
        reading(f"{count} of noise", answers._head(_GAUSS.format(count=count), answers._BEST))
    reading("32 cut out", answers._head(answers._CUT.replace("128", "32"), answers._BEST))
    for name, text in _known(answers.FIND).items():
        finding(name, text)
    only = answers._NOTHING + answers._JOINED + answers._ELEVEN
    finding("moved only", answers._finder(only, answers._LEAD, answers._SCORES))
