"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import torch  # noqa: TID253 - a program of its own
from torch import nn  # noqa: TID253

from agentlab_tools.digits import drawn

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
answers, cases, inside, model = (
    importlib.import_module(f"{_HERE.name}.{name}")
    for name in ("answers", "cases", "inside", "model")
)
DRAWS = 8


def programs(step: Any) -> dict[str, dict[str, Any]]:
    """What the solution, the starter and the wrong answers define."""
    found: dict[str, dict[str, Any]] = {}
    for name, code in {"solution": step.solution, "starter": step.starter, **step.wrong}.items():
        space: dict[str, Any] = {}
        exec(code.code, space)  # noqa: S102 - the lab's own
        found[name] = space
    return found


def given(seed: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """A draw, as tensors; and the digits of its fresh pictures."""
    x, y, fresh, digits = drawn(seed, cases.KNOWN, cases.FRESH, "float32")
    parts = {"x": x, "y": y, "fresh": fresh}
    cast(Any, torch).manual_seed(seed)
    return {name: torch.tensor(part) for name, part in parts.items()}, torch.tensor(digits)


def share(scores: torch.Tensor, digits: torch.Tensor) -> float:
    """How many are right."""
    return float((scores == digits).float().mean())


def net() -> None:
    """What the starter reaches, and what is left of it where it is loaded."""
    for name, space in programs(answers.NET).items():
        right, loaded = list[float](), list[float]()
        for seed in range(DRAWS):
            draw, digits = given(seed)
            one = space["Net"](draw["x"])
            inside._trained(one, draw["x"], draw["y"])
            right.append(share(one.eval()(draw["fresh"]).argmax(1), digits))
            other = space["Net"](0.5 * draw["fresh"] + 0.3)
            other.load_state_dict(one.state_dict())
            loaded.append(share(other.eval()(draw["fresh"]).argmax(1), digits))
        size = sum(part.numel() for part in one.parameters())  # pyright: ignore
        print(f"{name}: {size:,} parameters, {fmean(right):.1%} right, loaded {fmean(loaded):.1%}")


def loop() -> None:
    """What each mistake costs, alone."""
    for name, space in programs(answers.LOOP).items():
        right, lost, kept, took = list[float](), list[float](), list[float](), list[float]()
        for seed in range(DRAWS):
            draw, digits = given(seed)
            one = nn.Sequential(nn.Linear(196, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
            if name == "trains-while-asked":
                one.eval()
            begun = time.process_time()
            losses = space["fit"](one, draw["x"], draw["y"], 4)
            took.append(time.process_time() - begun)
            last = [float(torch.as_tensor(loss).detach()) for loss in losses[-24:]]
            lost.append(float(torch.as_tensor(losses[0]).detach()) - fmean(last))
            kept.append(fmean(last))
            one.train()
            right.append(share(space["predict"](one, draw["fresh"]), digits))
        print(
            f"{name}: {fmean(right):.1%} right ({min(right):.1%} to {max(right):.1%}), loss "
            f"{fmean(kept):.2f}, fell by {fmean(lost):.2f}, {fmean(took):.2f} s"
        )


def memory() -> None:
    """What a kept loss keeps, before and after backward(); bytes a step, of 4,000."""
    one = nn.Sequential(nn.Linear(196, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = torch.rand(64, 196), torch.randint(10, (64,))

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(one(x), y)

    def led_back() -> torch.Tensor:
        made: Any = loss()
        made.backward()
        return made

    ways: dict[str, Callable[[], Any]] = {
        "loss.item()": lambda: led_back().item(),
        "loss": led_back,
        "loss, never led back": loss,
    }
    for name, way in ways.items():
        kept = [way() for _ in range(50)]
        before = _resident()
        kept += [way() for _ in range(4000)]
        print(f"{name}: {(_resident() - before) / 4000:,.0f} bytes a step")
        del kept


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def halves() -> None:
    """What the model says with the feed-forward half of one layer left out."""
    smol = model.packaged()
    same = dict.fromkeys(range(smol.layers), 0)
    for prompt in cases.PROMPTS:
        ids = model.read(prompt)
        whole = int(smol.scores(ids).argmax())
        said = list[str]()
        for layer in range(smol.layers):
            token = int(smol.scores(ids, without=layer).argmax())
            same[layer] += token == whole
            said.append(model.word(token))
        print(repr(prompt), repr(model.word(whole)), said)
    print("said the same, of", len(cases.PROMPTS), same)
    ids = model.read(cases.PROMPTS[0])
    for layer in (None, 0, 8, 11, 15, 20):
        more = list(ids)
        for _ in range(8):
            more.append(int(smol.scores(more, without=layer).argmax()))
        print(layer, repr("".join(model.word(token) for token in more[len(ids) :])))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for part in (net, loop, memory, halves):
        part()
