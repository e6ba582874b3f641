"""The lab's sandbox; the tool that trains and serves the learner's nets, and an agent that reads.

What is right is known outside of the sandbox only, and nets are tried there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext, tool
from agentlab_tools.digits import POINTS, drawn
from agentlab_tools.execute import Sandbox, display_safe, printed_by
from agentlab_tools.execute.equipment import sandbox_with

from . import net
from .reader import asked

if TYPE_CHECKING:
    from .net import Array, Layers

ENGINE = Path(__file__).with_name("engine.txt")
"""Python for the sandbox: layers, and the engine to train them with."""
KNOWN, FRESH = 3000, 1000
EACH = 40
"""Pictures of each kind of nonsense; digits there are 100."""
_READ = 100
_SECONDS = 30.0
_SHOWN = 2000
_MOST = 2_000_000


sandbox = sandbox_with("numpy", timeout=_SECONDS, threads=1, files={"engine.py": ENGINE})


@tool(timeout=600)
async def learn(code: str, context: ToolContext) -> str:
    """Take a program first; then let it learn digits, or read them for an agent, and measure it.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        _programs[opened] = True
        printed = await printed_by(opened, code)
        return display_safe(printed[:_SHOWN]) or "ready"
    told: dict[str, Any] = json.loads(code)
    task = _train if told["task"] == "train" else _doubt
    shown, found = await task(opened, told, context)
    return f"{shown}\n{json.dumps(found)}"


async def _train(
    opened: Sandbox, told: Mapping[str, Any], _: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """Let the program train a net, and try the net on fresh digits, out here."""
    x, y, fresh, right = drawn(told["seed"], KNOWN, FRESH)
    bend: str = told["bend"]
    layers = _layers(await _run(opened, {"x": x, "y": y}, _TRAIN.format(bend=bend)))
    said = net.forward(fresh, layers, bend)[-1].argmax(axis=1)
    share = float((said == right).mean())
    counts = net.dead(fresh, layers) if bend == "relu" else net.saturated(fresh, layers)
    neurons = [bias.size for _, bias in layers[:-1]]
    still = 0.0
    if neurons and bend == "relu":
        still = sum(counts) / sum(neurons)
    elif neurons:
        still = sum(share * n for share, n in zip(counts, neurons, strict=True)) / sum(neurons)
    what = "ReLUs dead" if bend == "relu" else "answers of sigmoids saturated"
    shown = f"{share:.1%} of {FRESH} fresh digits are right; {still:.0%} of its {what}"
    found = {"right": share, "hidden": len(neurons), "still": round(still, 4), "bend": bend}
    return shown, found


def _layers(said: object) -> Layers:
    """A net that was sent out as lists, if it is one for digits."""
    import numpy as np

    layers: list[tuple[Array, Array]] = []
    try:
        for weights, bias in cast(list[tuple[Any, Any]], said):
            layers.append((np.array(weights, dtype=float), np.array(bias, dtype=float)))
    except (TypeError, ValueError):
        raise ToolError("train must return a list of layers, (weights, bias) each") from None
    width = POINTS
    for weights, bias in layers:
        if weights.ndim != 2 or bias.ndim != 1 or weights.shape != (width, bias.size):
            shape = f"{weights.shape} and {bias.shape}"
            raise ToolError(f"a layer after {width} numbers has the shapes {shape}")
        if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            raise ToolError("there are numbers in the net that are none (nan or inf)")
        width = bias.size
    if width != 10 or not layers:
        raise ToolError(f"the last layer must give 10 scores, one a digit; this gives {width}")
    return layers


async def _doubt(
    opened: Sandbox, told: Mapping[str, Any], context: ToolContext
) -> tuple[str, Mapping[str, Any]]:
    """Show the reader digits and nonsense; then let an agent ask it about four of them."""
    import numpy as np

    x, y, fresh, right = drawn(told["seed"], 2000, FRESH)
    layers = _net(told["seed"])
    dice = np.random.default_rng(told["seed"])
    kinds = {
        how: net.spoiled(fresh[_READ + n * EACH :][:EACH], how, dice)
        for n, how in enumerate(net.NONSENSE)
    }
    pictures = np.concatenate([fresh[:_READ], *kinds.values()])
    order = dice.permutation(len(pictures))
    given = {"x": x, "y": y, "pictures": pictures[order]}
    for n, (weights, bias) in enumerate(layers):
        given |= {f"w{n}": weights, f"b{n}": bias}
    said = _read(await _run(opened, given, _DOUBT), len(pictures))
    answers: list[int | None] = [None] * len(pictures)
    for place, answer in zip(order.tolist(), said, strict=True):
        answers[place] = answer
    digits = answers[:_READ]
    none = {
        how: [one is not None for one in answers[_READ + n * EACH :][:EACH]]
        for n, how in enumerate(kinds)
    }
    found: dict[str, Any] = {
        "read": sum(a == b for a, b in zip(digits, right[:_READ].tolist(), strict=True)) / _READ,
        "refused": digits.count(None) / _READ,
        "fooled": {how: sum(taken) / EACH for how, taken in none.items()},
    }
    chosen = _telling(x, layers, pictures, right)
    context.emit("asking the agent\n")
    found["agent"] = await asked(
        [("no digit" if place >= _READ else str(right[place]), answers[place]) for place in chosen]
    )
    lines = [net.drawing(pictures[chosen])]
    lines += [f"{one['asked']} {one['picture']} → {one['said']}" for one in found["agent"]]
    lines += [f"{how}: {share:.0%} got a digit" for how, share in found["fooled"].items()]
    lines.append(f"{found['read']:.0%} of the digits read, {found['refused']:.0%} refused")
    return display_safe("\n".join(lines)), found


@cache
def _net(seed: int) -> Layers:
    """The net that is lent to every reader of a draw."""
    x, y, *_ = drawn(seed, 2000, FRESH)
    return net.trained(x, y, seed)


def _telling(x: Array, layers: Layers, pictures: Array, right: Array) -> list[int]:
    """Four pictures to ask about: two clear digits, and two that the net is surest about wrongly.

    A digit is clear if the net is sure and right, and one that was learnt from is near.
    """
    import numpy as np

    chances = net.forward(pictures, layers, "relu")[-1]
    near = ((pictures[:_READ, None] - x[None, :600]) ** 2).sum(axis=2).min(axis=1)
    wrong = chances[:_READ].argmax(axis=1) != right[:_READ]
    digits = np.argsort(near + 1e6 * wrong)
    first, second = digits[0], next(d for d in digits if right[d] != right[digits[0]])
    sure = chances.max(axis=1)
    inverted, swapped = (
        _READ + n * EACH + sure[_READ + n * EACH :][:EACH].argmax() for n in (0, 1)
    )
    return [int(first), int(inverted), int(second), int(swapped)]


def _read(said: object, count: int) -> Sequence[int | None]:
    answers = cast(list[object], said) if isinstance(said, list) else []
    if len(answers) != count or not all(
        one is None or (isinstance(one, int) and 0 <= one <= 9) for one in answers
    ):
        raise ToolError("read(picture) must return a digit from 0 to 9, or None")
    return cast(list[int | None], answers)


async def _run(opened: Sandbox, given: Mapping[str, Array], code: str) -> object:
    """Run our code on the learner's function, and read the file that it leaves."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())
    await printed_by(opened, _GIVEN + code)
    try:
        return json.loads(await opened.read_file("made.json", limit=_MOST))
    except (ValueError, RecursionError):
        raise ToolError("what came out of it can't be read") from None


_GIVEN = """import json, numpy
_given = dict(numpy.load('given.npz'))
"""
_TRAIN = """_layers = train(_given['x'], _given['y'], '{bend}')
_layers = [[numpy.round(numpy.asarray(p, dtype=float), 6).tolist() for p in l] for l in _layers]
with open('made.json', 'w') as _file:
    json.dump(_layers, _file)"""
_DOUBT = """_layers = [(_given[f'w{n}'], _given[f'b{n}']) for n in range(2)]
_reader = Reader(_layers, _given['x'], _given['y'])
_said = [_reader.read(picture) for picture in _given['pictures']]
with open('made.json', 'w') as _file:
    json.dump([None if one is None else int(one) for one in _said], _file)"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
