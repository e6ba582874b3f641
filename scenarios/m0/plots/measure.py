"""The numbers in the lesson, made again: `python scenarios/m0/plots/measure.py`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np  # noqa: TID253 - a program of its own

from agentlab.agent import Agent
from agentlab.backends import connect
from agentlab.labs import CodeStep
from agentlab.labs.checks import numbers_in
from agentlab.labs.find import load
from agentlab.limits import Limits
from agentlab.tooling import tool

LAB = load(Path(__file__).parent)
DRAWS = range(10)


def part(name: str) -> Any:
    """A module of the lab."""
    step = LAB.step("curve")
    assert isinstance(step, CodeStep)
    return sys.modules[step.cases.__module__.replace("cases", name)]


def the_runs() -> None:
    """What is left of a spike once it is averaged, or only every tenth step is kept."""
    for run in part("cases").recorded()["runs"]:
        losses, noise = np.array(run["losses"]), run["noise"]
        late = slice(100, None)
        print(
            f"step {noise}: {losses[noise]:.2f}, before and after {losses[noise - 1]:.2f}", end=""
        )
        print(f" and {losses[noise + 1]:.2f}, later the others up to", end=" ")
        print(f"{np.delete(losses, noise)[late].max():.2f}", end="; ")
        for width in (20, 50):
            mean = np.convolve(losses, np.ones(width) / width, mode="valid")
            print(f"mean of {width}: {mean[noise - width + 1 : noise + 1].max():.2f},", end=" ")
            print(f"elsewhere up to {mean[100 : noise - width].max():.2f}", end="; ")
        held = [loss for _, loss in run["held_out"]]
        print(f"held-out {held[1]:.2f} to {held[-1]:.2f}")
    kept = sum(first == 700 % 10 for first in range(10))
    print("every tenth step keeps the spike for", kept, "of 10 first steps")


def the_tokens() -> None:
    """Where the probabilities of the model's tokens are, and where their mean is."""
    tokens = np.array(part("cases").recorded()["tokens"])
    print(len(tokens), "tokens, mean", tokens.mean().round(3), "median", np.median(tokens))
    near = np.abs(tokens - tokens.mean()) < 0.05
    print("within .05 of the mean", near.sum(), "above .95", (tokens > 0.95).sum(), end=" ")
    print("below .05", (tokens < 0.05).sum())
    seaborn: Any = import_module("seaborn")
    pyplot: Any = import_module("matplotlib.pyplot")
    axes = pyplot.subplots()[1]
    seaborn.kdeplot(x=tokens, ax=axes)
    x, y = axes.lines[0].get_xydata().T
    area = np.trapezoid(y, x)
    out = np.trapezoid(np.where((x < 0) | (x > 1), y, 0), x)
    print(f"kdeplot: from {x[0]:.2f} to {x[-1]:.2f}, {out / area:.1%} of the area outside")
    for seed in DRAWS:
        calls = json.loads(part("cases").spreads(_drawing(seed), 1)[0].input)["figures"][1]
        counts, edges = np.histogram(calls["values"], 10)
        print("ten bars of", round(float(edges[1] - edges[0]), 2), "s:", counts.tolist(), end=" ")
        print("humps at", [round(hump, 2) for hump in calls["humps"]])
    pyplot.close("all")


def the_colours() -> None:
    """Which colour zero gets, and what has none."""
    told = part("cases").recorded()
    gains = np.array(told["gains"], dtype=float)
    print(gains.shape, "gains", np.nanmin(gains), "to", np.nanmax(gains), end=" ")
    print("unknown", np.isnan(gains).sum(), "negative", (gains < 0).sum())
    matplotlib: Any = import_module("matplotlib")
    low, high = np.nanmin(gains), np.nanmax(gains)
    for name in ("viridis", "RdBu"):
        colours = matplotlib.colormaps[name]
        at = (0 - low) / (high - low)
        print(name, "zero, not centred:", [round(255 * c) for c in colours(at)[:3]], end=" ")
        print("centred:", [round(255 * c) for c in colours(0.5)[:3]])
    white = sum((gain < -0.25) and (high > 0) for gain in gains[~np.isnan(gains)].tolist())
    print("losses beyond .25:", white)


async def the_model() -> None:
    """What the model says of a chart, once it has had it looked at."""
    tools, counts = part("tools"), Counter[str]()
    step = LAB.step("look")
    assert isinstance(step, CodeStep)
    model = connect(tools.MODEL, threads=1, n_ctx=1024)
    for seed in DRAWS:
        case = json.loads(step.cases(_drawing(seed), 1)[0].input)
        back = _looked(step.solution.code, case)
        told = dict(zip((one["name"] for one in case["figures"]), back, strict=True))
        for one in case["figures"][:2]:
            calls: list[str] = []
            said = await _asked(model, told, one["name"], calls)
            best = one["names"][one["values"].index(max(one["values"]))]
            counts["asked"] += 1
            counts["called for it"] += calls[:1] == [one["name"]]
            counts["named the longest"] += best in said
            numbers = numbers_in(told[one["name"]])
            counts["said both numbers"] += set(numbers) <= set(numbers_in(said))
            counts["said nothing"] += not said
            print("   ", one["name"], calls, "|", told[one["name"]], "|", said)
    print(dict(counts))
    for figure in ("speed", "errors"):
        print(
            "without a tool:",
            (
                await Agent(backend=model, settings=tools.STEADY).run(
                    f"What does the figure {figure} show?"
                )
            ).text,
        )
    await model.aclose()


async def _asked(model: Any, told: dict[str, str], figure: str, calls: list[str]) -> str:
    @tool
    async def look(figure: Literal["speed", "errors", "cost", "tokens"]) -> str:
        """Describe a figure."""
        calls.append(figure)
        return told[figure]

    settings = part("tools").STEADY
    agent = Agent(backend=model, tools=[look], settings=settings, limits=Limits(steps=2))
    return (await agent.run(f"What does the figure {figure} show?")).text


def _looked(code: str, case: dict[str, Any]) -> list[str]:
    """What a learner's function says of the charts of a case, in this process."""
    pyplot: Any = import_module("matplotlib.pyplot")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the lab's own answers
    back: list[str] = []
    for one in case["figures"]:
        figure, axes = pyplot.subplots()
        axes.bar(one["names"], one["values"])
        axes.set_yscale("log" if one["name"] == "tokens" else "linear")
        axes.set_ylim(*one["limits"])
        figure.draw_without_rendering()
        try:
            back.append(names["look"](axes))
        except ValueError as error:
            back.append(f"ValueError: {error}")
        pyplot.close(figure)
    return back


def _drawing(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - figures to practise on are no secret


if __name__ == "__main__":
    import_module("matplotlib").use("agg")
    the_runs()
    the_tokens()
    the_colours()
    asyncio.run(the_model())
