"""The lab's sandboxes, and its tools: what is made inside is measured outside.

What is right, which generator is ill, and what the judge reads in a picture, is known outside only.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.digits import POINTS, judge
from agentlab_tools.digits.drawing import beside, film
from agentlab_tools.digits.measures import distances
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH
from agentlab_tools.train.waiting import share_openmp

from . import played, sets
from .scribe import called
from .sets import sets as drawn_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_HERE = Path(__file__).parent
_SECONDS = 600.0
"""By the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 16_000_000
_MOMENTS, _COLUMNS = 12, 20
"""Of a film, at most."""


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy; another, with PyTorch, is opened for a program that trains.

    Raises:
        MissingExtra: torch is not installed.
    """
    require({"torch": "train"})
    share_openmp()
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(_open("numpy"))
        _stacks[opened] = stack
        yield equipped(opened)


def _open(*packages: str) -> Any:
    limits = SandboxLimits(timeout=_SECONDS, threads=1)
    return Sandbox.open(packages=packages, limits=limits, spare=False)


@tool(timeout=300)
async def see(code: str, context: ToolContext) -> str:
    """Take a program first; then have it measure distances, or look at what generators draw.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        for name in ("judge.py", "judge.npz"):
            await opened.write_file(name, Path(judge.__file__).with_name(name).read_bytes())
        return await _began(opened, opened, code)
    told: dict[str, Any] = json.loads(code)
    if told["task"] == "pairs":
        await opened.write_file("given.json", json.dumps(told["pairs"]))
        return await _inside(opened, _PAIRS)
    if told["task"] == "distances":
        return await _distances(opened, told["seed"])
    return await _look(opened, told["seed"], context)


async def _distances(opened: Sandbox, seed: int) -> str:
    """What the learner's distance says of sets of digits, as the judge sees them."""
    tried = played.compared(seed)
    flat = {
        f"{n}{side}": one
        for n, (_, *two) in enumerate(tried)
        for side, one in zip("xy", two, strict=True)
    }
    await _give(opened, flat)
    said = json.loads(await _inside(opened, _DISTANCES))["said"]
    found: list[dict[str, Any]] = []
    for (name, x, y), one in zip(tried, said, strict=True):
        *far, scale = distances(x, y)
        found.append({"name": name, "said": one, "far": far, "scale": scale})
    lines = [f"{one['name']}: {_number(one['said'])}" for one in found]
    return display_safe("\n".join(lines)) + "\n" + json.dumps({"digits": found})


def _number(said: object) -> str:
    return f"{said:.1f}" if isinstance(said, float) else str(said)


async def _look(opened: Sandbox, seed: int, context: ToolContext) -> str:
    """What the learner's function says of ten generators."""
    made = drawn_sets(seed)
    x, y, *_ = sets.digits()
    given = {"known": x, "digits": y}
    for number, one in enumerate(made):
        given |= {f"made{number}": one.pictures, f"asked{number}": one.asked}
    await _give(opened, given)
    said = json.loads(await _inside(opened, _LOOK.format(count=len(made))))["said"]
    parts = [
        (f"{n}: {one!s:.20}", _in_order(made[n - 1], 25)) for n, one in enumerate(said, 1) if n <= 4
    ]
    context.attach("sets.png", await asyncio.to_thread(beside, parts, 5), "image/png")
    found = [
        {"name": one.name, "state": one.state, "said": word}
        for one, word in zip(made, said, strict=True)
    ]
    lines = [f"set {n}: {one['said']}" for n, one in enumerate(found, 1)]
    return display_safe("\n".join(lines)) + "\n" + json.dumps({"sets": found})


@tool(timeout=1200)
async def play(code: str, context: ToolContext) -> str:
    """Take a program first; then have it train a generator, measure that, and let an agent draw.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        inner = opened
        if "torch" in code:
            inner = await _stacks[opened].enter_async_context(_open("torch", "numpy"))
            await printed_by(inner, QUICK_TORCH)
        _inner[opened] = inner
        await inner.write_file("film.py", (_HERE / "film.txt").read_bytes())
        return await _began(opened, inner, code)
    inner = _inner[opened]
    game = played.Game.of(json.loads(code)["seed"])
    await _give(inner, {"x": game.x, "y": game.y})
    printed = await printed_by(inner, _TRAIN.format(seed=game.seed))
    context.emit(display_safe(printed[-_SHOWN:]))
    pictures = await _pictures(inner, game.asked)
    found = game.measured(pictures)
    await _show(inner, game, pictures, context)
    lines = [game.told(found)]
    if not game.complaints(found):
        context.emit("the agent is asked to write\n")
        written = await called(game.numbers)
        asked = [int(digit) for text in written for digit in text]
        drawn = await _pictures(inner, asked) if asked else pictures[:0]
        found["agent"] = game.reads(written, drawn)
        lines += [f"asked for {one['number']}: {one['read']}" for one in found["agent"]]
        if asked:
            title = f"written: {' '.join(written)}"
            picture = await asyncio.to_thread(beside, [(title, drawn)], len(asked))
            context.attach("written.png", picture, "image/png")
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


async def _show(inner: Sandbox, game: played.Game, pictures: Array, context: ToolContext) -> None:
    """Made digits beside real ones; and the film, where the program kept one."""
    import numpy as np

    parts = [("made", game.rows(pictures)), ("real", game.real())]
    context.attach("digits.png", await asyncio.to_thread(beside, parts, 10), "image/png")
    try:
        frames = _array(await inner.read_file("film.npy", limit=_LARGEST))
    except WorkspaceError:
        return
    if frames.ndim == 3 and frames.size and frames.shape[2] == POINTS:
        cut = np.clip(frames[:_MOMENTS, :_COLUMNS], 0, 1)
        context.attach("film.png", await asyncio.to_thread(film, cut), "image/png")


async def _pictures(inner: Sandbox, asked: Sequence[int]) -> Array:
    """What the learner's generator draws.

    Raises:
        ToolError: they are no pictures.
    """
    await inner.write_file("asked.json", json.dumps(list(asked)))
    await printed_by(inner, _DRAW)
    try:
        made = _array(await inner.read_file("made.npy", limit=_LARGEST))
    except WorkspaceError as error:
        raise ToolError(f"what it draws can't be read: {error}") from error
    if made.shape != (len(asked), POINTS):
        raise ToolError(f"asked for {len(asked)} digits, it draws an array of {made.shape}")
    if not (made.min() >= -0.01 and made.max() <= 1.01):
        raise ToolError("there are shades that are not between 0 and 1")
    return made.clip(0, 1)


def _array(data: bytes) -> Array:
    import numpy as np

    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), dtype=float)
    except Exception as error:  # NumPy raises what it likes on a file that is none
        raise ToolError(f"what it left can't be read: {type(error).__name__}") from error


async def _began(opened: Sandbox, where: Sandbox, code: str) -> str:
    """Run the program itself."""
    _programs[opened] = True
    return display_safe((await printed_by(where, code))[:_SHOWN]).rstrip() or "ready"


async def _inside(opened: Sandbox, code: str) -> str:
    """Run our code on the learner's function; the line it ends with is an object in JSON."""
    said = await printed_by(opened, code)
    lines = said.strip().splitlines()
    try:
        found: object = json.loads(lines[-1])
    except (ValueError, IndexError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError("what came out of it can't be read")
    return lines[-1]


async def _give(opened: Sandbox, given: Mapping[str, Array]) -> None:
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    await opened.write_file("given.npz", file.getvalue())


def _in_order(made: sets.Made, count: int) -> Array:
    """Some pictures of a set, by the digits that were asked for."""
    import numpy as np

    some = np.argsort(made.asked, kind="stable")
    return made.pictures[some[:: max(len(some) // count, 1)][:count]]


_SAID = """import json, numpy
def _said(made, *given):
    try:
        return float(made(*given))
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:100]
"""
_PAIRS = f"""{_SAID}_given = json.load(open("given.json"))
_given = [[numpy.array(_one) for _one in _two] for _two in _given]
print(json.dumps(dict(pairs=[_said(frechet, *_t) for _t in _given])))"""
_DISTANCES = f"""{_SAID}_given = dict(numpy.load("given.npz"))
print(json.dumps(dict(said=[
    _said(frechet, _given[f"{{_n}}x"], _given[f"{{_n}}y"]) for _n in range(len(_given) // 2)
])))"""
_LOOK = """import json, numpy
_given = dict(numpy.load("given.npz"))
print(json.dumps(dict(said=[
    str(diagnose(*(_given[_k].copy() for _k in (f"made{{_n}}", f"asked{{_n}}", "known", "digits"))))
    for _n in range({count})
])))"""
_TRAIN = """import numpy, sys
_torch = sys.modules.get("torch")
_given = dict(numpy.load("given.npz"))
numpy.random.seed({seed})
if _torch:
    _torch.manual_seed({seed})
    _given = {{_k: _torch.tensor(_v) for _k, _v in _given.items()}}
_made = train(_given["x"], _given["y"])"""
_DRAW = """import json, numpy
_asked = numpy.array(json.load(open("asked.json")))
_drawn = draw(_made, _torch.tensor(_asked) if _torch else _asked)
_drawn = _drawn.detach().numpy() if hasattr(_drawn, "detach") else _drawn
numpy.save("made.npy", numpy.asarray(_drawn, dtype="float32"))"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
_stacks: WeakKeyDictionary[Sandbox, AsyncExitStack] = WeakKeyDictionary()
_inner: WeakKeyDictionary[Sandbox, Sandbox] = WeakKeyDictionary()
