"""Make the numbers of the lesson again: `python scenarios/m2/three-architectures/measure.py`.

Takes some minutes: four small trainings, and an agent that reads twelve tools.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from random import Random
from time import process_time
from types import ModuleType
from typing import Any

from agentlab.backends import connect
from agentlab.labs.find import load

HERE = Path(__file__).parent
SEED, GAPS, CALLS = 99, 300, 8


def main() -> None:
    """Print a table for each step with numbers."""
    load(HERE)
    package = _package()
    fills(*(import_module(f"{package}.{name}") for name in ("training", "sentences", "tools")))
    asyncio.run(routes(import_module(f"{package}.routing")))


def _package() -> str:
    """What the lab's modules are called in this process."""
    found = [
        name
        for name, module in sys.modules.items()
        if getattr(module, "__file__", None) == str(HERE / "tools.py")
    ]
    return found[0].removesuffix(".tools")


def fills(training: ModuleType, sentences: ModuleType, tools: ModuleType) -> None:
    """What each net makes of fresh gaps, and how many places it evaluates."""
    rng = Random(SEED)  # noqa: S311 - the seed is the point
    fresh = [sentences.gapped(rng) for _ in range(GAPS)]
    gaps = [(before, after) for before, _, after in fresh]
    for name in ("left", "gpt", "t5", "bert"):
        began = process_time()
        net = training.taught(name, _quiet)
        spent = process_time() - began
        for way, filled in _ways(training, name, net, gaps):
            one = tools.judged(fresh, filled.fills, filled.rows)
            line = f"{way:16} {one['right']:.3f} {one['rows']:5} {spent:5.1f} s {one['e.g.']}"
            print(line, flush=True)


def _ways(training: ModuleType, name: str, net: Any, gaps: list[Any]) -> list[tuple[str, Any]]:
    if name == "bert":
        return [
            ("bert, one pass", training.fill_in(net, gaps, at_once=True)),
            ("bert, in turn", training.fill_in(net, gaps, at_once=False)),
        ]
    if name == "t5":
        return [("t5", training.answer(net, [training.marked(*gap) for gap in gaps]))]
    if name == "gpt":
        return [(name, training.go_on(net, [training.turned(*gap) for gap in gaps]))]
    return [(name, training.go_on(net, [training.before_only(before) for before, _ in gaps]))]


def _quiet(_: str) -> None:
    """Nobody watches the trainings."""


async def routes(routing: ModuleType) -> None:
    """The encoder against the decoder: right tools, tokens read and written, processor seconds."""
    import numpy as np

    drawn = routing.drawn(SEED)
    began = process_time()
    known, fresh = routing.vectors(drawn)
    each = (process_time() - began) / (len(known) + len(fresh))
    labels = np.array([number for _, number in drawn.known])
    means = np.stack([known[labels == tool].mean(axis=0) for tool in range(routing.TOOLS)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    found = (fresh @ means.T).argmax(axis=1)
    right = [int(one) == number for one, (_, number) in zip(found, drawn.fresh, strict=True)]
    read = [routing.tokens(text) for text, _ in drawn.fresh]
    print(f"encoder: {np.mean(right):.3f} right, {np.mean(read):.1f} tokens, {each:.4f} s each")
    model = connect(routing.AGENT, threads=1, n_ctx=4096)
    try:
        for way in ("twelve", "routed"):
            rows: list[list[float]] = []
            for n in range(CALLS):
                text, number = drawn.fresh[n]
                specs = [one.spec for one in drawn.offers]
                shown = specs if way == "twelve" else [specs[int(found[n])]]
                made = await routing.called(model, text, shown)
                good = made.name == drawn.names[number]
                whole = good and routing.stated(made.arguments, drawn.asked[n].arguments)
                rows.append([good, whole, made.read, made.written, made.seconds])
                print(f"  {way}: {text} → {made.name} {made.arguments} {rows[-1]}")
            mean = np.mean(rows, axis=0)
            print(f"{way}: tool {mean[0]:.2f}, arguments {mean[1]:.2f}, read {mean[2]:.0f}, ")
            print(f"    written {mean[3]:.1f}, {mean[4]:.2f} s; first read {rows[0][2]:.0f}")
    finally:
        await model.aclose()


if __name__ == "__main__":
    main()
