"""The numbers in the lesson, made again, by itself: `python measure.py` in this folder."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
import types
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np  # noqa: TID253 - a program of its own

from agentlab.backends import connect
from agentlab.labs import AgentStep, Case, Lab
from agentlab.labs.runner import Grader, StepFinished

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent))
_parts: Any = tuple(
    importlib.import_module(f"{_HERE.name}.{name}")
    for name in ("answers", "cases", "lab", "nets", "tools")
)
answers, cases, lab_file, nets, tools = _parts
NETS = 5
TRIED = (7, 10, 99, 100, 101, 105, 303, 1000)
GROWING = (5, 10, 15, 25, 40, 60, 100)


def recurrent() -> types.ModuleType:
    """What the sandbox has as `recurrent.py`."""
    module = sys.modules["recurrent"] = types.ModuleType("recurrent")
    exec(tools.NETS.read_text(encoding="utf-8"), module.__dict__)  # noqa: S102 - the lab's own
    return module


def blame(made: types.ModuleType) -> None:
    """The slope by what was read so many steps before the end, in parts of that at the end."""
    for kind, bias in (("rnn", 0.0), ("lstm", 0.0), ("lstm", 1.0), ("lstm", 5.0)):
        logs: list[Any] = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            net = made.Net(kind, 16, rng)
            if kind == "lstm":
                net.bias("forget")[:] = bias
            net.slopes(*made.draw(rng, 32, 201))
            logs.append(np.log(np.array(net.blame) / net.blame[0]))
        mean = np.exp(np.mean(logs, axis=0))
        print(kind, bias, {n: f"{mean[n]:.0e}" for n in (5, 20, 50, 100, 200)}, flush=True)


def training(made: types.ModuleType) -> None:
    """How often what was trained remembers, on lines of several lengths."""
    for name, kind, bias, lengths in (
        ("growing", "lstm", {"forget": 1}, GROWING),
        ("growing, no bias", "lstm", {}, GROWING),
        ("up to 25", "lstm", {"forget": 1}, GROWING[:4]),
        ("growing", "rnn", {}, GROWING),
        ("at once", "lstm", {}, (100,)),
        ("at once", "lstm", {"forget": 1}, (100,)),
        ("at once", "lstm", {"forget": 5}, (100,)),
        ("at once, closed", "lstm", {"forget": 5, "in": -5}, (100,)),
    ):
        longest, begun = 0.0, time.process_time()
        for seed in range(NETS):
            rng = np.random.default_rng(seed)
            net = made.Net(kind, 16, rng)
            for gate, number in bias.items():
                net.bias(gate)[:] = number
            adam = made.Adam(net)
            for n in range(250):
                length = lengths[n * len(lengths) // 250]
                _, slopes = net.slopes(*made.draw(rng, 32, length))
                norm = sum(float((slope**2).sum()) for slope in slopes.values()) ** 0.5
                longest = max(longest, norm)
                adam.step(made.clip(slopes, 1))
            found = {n: round(nets.share_right(net.w, n, n, 200), 2) for n in TRIED}
            print(name, kind, bias, seed, found, f"blame {net.blame[-1] / net.blame[0]:.0e}")
        took = (time.process_time() - begun) / NETS
        print(f"longest {longest:.0f}, {took:.1f} s each", flush=True)
    print(sum(part.size for part in made.Net("lstm", 16, np.random.default_rng(0)).w.values()))


async def model() -> None:
    """How many first words the model says, by the length of the line."""
    lab: Lab = lab_file.lab
    step = next(step for step in lab.steps if isinstance(step, AgentStep))
    backend = connect("local:smollm2")

    def twelve(rng: Random, _: int) -> Sequence[Case]:
        return cases.lines(rng, 12)

    for length in (10, 30, 100, 300):
        cases.LENGTHS = (length,)
        asked = replace(step, cases=twelve, graded=12)
        grader = Grader(lab=lab, backend=backend, runs=None)
        begun = time.process_time()
        async for event in grader.step_events(asked, answers.LOOK.solution):
            if isinstance(event, StepFinished):
                print(length, event.report.checks[0].reason, time.process_time() - begun)
    await backend.aclose()


if __name__ == "__main__":
    asyncio.run(model())
    module = recurrent()
    blame(module)
    training(module)
