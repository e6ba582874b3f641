"""The lab's sandboxes, and its tools: what is drawn inside is looked at outside.

What is right, which prompts were shown, and what the judges see is known outside only.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.diffusion import captions
from agentlab_tools.digits import SIDE, drawn
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH
from agentlab_tools.train.waiting import share_openmp

from . import cases, inside, judging, looks, perfect, sampling
from .drawing import sheet
from .learning import GUIDED, MEASURED, Trial
from .reading import listed, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

NET = Path(captions.__file__).with_name("net.py")
"""For the sandbox, too."""
_LIMITS = SandboxLimits(timeout=600, threads=1)
"""Seconds by the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 16_000_000
_COLUMNS = 14
_WALK, _WALKERS, _KNOWN = 40, 8, 500
_MOMENTS = (0, 8, 16, 24, 28, 32, 36, 40)


@dataclass
class Desk:
    """Where a learner's program runs: a sandbox, opened when it is known with which packages."""

    stack: AsyncExitStack
    plain: Sandbox
    opened: Sandbox | None = None
    lender: looks.Lender | None = None

    async def begin(self, code: str, *, torch: bool = False) -> str:
        """Open it, and run the program in it."""
        opened = self.plain
        if torch:
            opened = await self.stack.enter_async_context(_open("torch", "numpy"))
            await printed_by(opened, QUICK_TORCH)
            await opened.write_file("net.py", NET.read_bytes())
        self.opened = opened
        return display_safe((await printed_by(opened, code))[:_SHOWN]).rstrip() or "ready"

    async def run(self, code: str, given: Mapping[str, Any]) -> Mapping[str, Array]:
        """Give arrays to our code on the learner's functions, and read those that it leaves.

        Raises:
            ToolError: it failed, or left nothing that can be read.
        """
        import numpy as np

        if self.opened is None:
            raise ToolError("no program was run yet")
        file = io.BytesIO()
        np.savez(file, **given)
        await self.opened.write_file("given.npz", file.getvalue())
        await printed_by(self.opened, f"{inside.BEGIN}{code}{inside.END}")
        try:
            data = await self.opened.read_file("made.npz", limit=_LARGEST)
            with np.load(io.BytesIO(data), allow_pickle=False) as made:
                return {name: made[name] for name in made.files}
        except WorkspaceError as error:
            raise ToolError(f"what came out of it can't be read: {error}") from error
        except Exception as error:  # NumPy and zipfile raise what they like on a file that is none
            why = f"what came out of it can't be read: {type(error).__name__}"
            raise ToolError(why) from error

    async def lent(self, count: int, code: str, given: Mapping[str, Any]) -> Mapping[str, Array]:
        """The same, while so many looks at the net are answered."""
        if self.opened is None:
            raise ToolError("no program was run yet")
        self.lender = self.lender or looks.Lender(self.opened)
        code = f"{self.lender.inside}{code}"
        return await self.lender.during(count, lambda: self.run(code, given))

    @property
    def refused(self) -> bool:
        """Whether one look too many was asked for."""
        return self.lender is not None and self.lender.refused


def _open(*packages: str) -> Any:
    return Sandbox.open(packages=packages, limits=_LIMITS, spare=False)


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy; another, with PyTorch, is opened for a program that trains.

    Raises:
        MissingExtra: torch, or what reads prompts, is not installed.
    """
    require({"torch": "train", "onnxruntime": "knowledge", "PIL": "tui"})
    share_openmp()
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(_open("numpy"))
        yield Equipment(deps=Desk(stack, plain), labels=equipped(plain).labels)


@tool(timeout=300)
async def walk(code: str, context: ToolContext) -> str:
    """Take a program first; then ask for the best directions, and walk along them.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    seed: int = json.loads(code)["seed"]
    import numpy as np

    dice = np.random.default_rng(seed)
    given: dict[str, Any] = {"t": dice.uniform(0.1, 0.9, 3).round(3)}
    given |= {name: dice.normal(size=(3, 4, 5)).round(4) for name in ("noise", "pictures")}
    asked = cases.mixtures(seed)
    told: dict[str, Any] = {"count": np.array(len(asked))}
    for number, (_, x, t, pictures) in enumerate(asked):
        told |= {f"x{number}": x, f"t{number}": np.array(t), f"y{number}": pictures}
    made = await bench.run(inside.BEST, {**given, **told})
    said = listed(made.get("best"), len(asked))
    found: dict[str, Any] = {"way": _way(given, made)}
    for check, names in (("best", cases.USUAL), ("late", cases.LATE)):
        found[check] = judging.misled(asked, said, names)
    known = drawn(seed, _KNOWN, 0)[0] * 2 - 1
    noise = dice.normal(size=(_WALKERS, known.shape[1]))
    steps = np.linspace(0, 1, _WALK + 1)
    made = await bench.run(inside.WALKED, {"known": known, "noise": noise, "steps": steps})
    film = numbers(
        made.get("film"), (_WALK + 1, *noise.shape), "best must return one row a row of x"
    )
    gaps = perfect.nearest(film[-1], known) / 2
    found["walk"] = float(gaps.max())
    ways = [(f"t = {at / _WALK:.1f}", _grey(film[at])) for at in _MOMENTS]
    picture = await asyncio.to_thread(sheet, [*ways, ("known", _grey(_closest(film[-1], known)))])
    context.attach("walk.png", picture, "image/png")
    copies = int((gaps < 0.05).sum())
    line = f"{copies} of {_WALKERS} walks end at a digit that was known"
    return display_safe(line) + "\n" + json.dumps(found)


def _way(given: Mapping[str, Array], made: Mapping[str, Array]) -> str | None:
    """What is wrong with mixtures and their direction."""
    import numpy as np

    noise, pictures, t = given["noise"], given["pictures"], given["t"][:, None, None]
    for name, due in (("mixed", (1 - t) * noise + t * pictures), ("direction", pictures - noise)):
        said = made.get(name)
        if said is None or said.shape != due.shape or said.dtype.kind != "f":
            return f"{name} must return an array like pictures"
        if not np.allclose(said, due, atol=1e-6):
            where = f" at t = {given['t'][0]:g}" if name == "mixed" else ""
            return f"{name}{where}: it says {said.flat[0]:.4g}, and it is {due.flat[0]:.4g}"
    return None


def _grey(rows: Array) -> Array:
    import numpy as np

    return np.repeat(-rows.clip(-1, 1).reshape(-1, 1, SIDE, SIDE), 3, axis=1)


def _closest(rows: Array, known: Array) -> Array:
    import numpy as np

    return np.stack([known[((row - known) ** 2).sum(axis=1).argmin()] for row in rows])


@tool(timeout=1200)
async def learn(code: str, context: ToolContext) -> str:
    """Take a program first; then have it learn from digits in colours, and draw what prompts say.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code, torch=True)
    trial = await asyncio.to_thread(Trial.of, json.loads(code)["seed"])
    given = {"x": trial.x, "prompts": trial.prompts, "seed": trial.seed}
    made = await bench.run(inside.LEARN, given)
    context.emit(f"trained in {float(made['seconds']):.0f} s\n")
    asked = {"noise": trial.noise, "prompts": trial.told(), "guided": list(GUIDED)}
    made = await bench.run(inside.DRAW, asked)
    why = f"draw must return {trial.noise.shape} numbers, as noise is"
    drawings = {
        guidance: numbers(made.get(f"made{n}"), trial.noise.shape, why)
        for n, guidance in enumerate(GUIDED)
    }
    again = numbers(made.get("again"), trial.noise[:60].shape, why)
    found = await asyncio.to_thread(trial.measured, drawings)
    found["moved"] = float(abs(again - drawings[0.0][:60]).max())
    await _shown(context, trial, drawings)
    lines = [
        f"guidance {guidance:g}: {found['shown'][f'{guidance:g}']:.0%} as asked, "
        f"{found['unshown'][f'{guidance:g}']:.0%} of prompts never shown"
        for guidance in GUIDED
    ]
    lines.append(
        f"at {MEASURED:g}: varied {found['varied']:.0%}, Fréchet distance {found['far']:.1f}, "
        f"nearest known digit {found['new']:.2f} times as far as from a real one"
    )
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


async def _shown(context: ToolContext, trial: Trial, drawings: Mapping[float, Array]) -> None:
    """All prompts at the guidance that is measured, and a few by every guidance."""
    import numpy as np

    first = np.array([np.flatnonzero(trial.asked == one)[0] for one in range(60)])
    inks = list(captions.COLOURS)
    whole = trial.latents.decode(drawings[MEASURED][first]).reshape(10, 6, 3, SIDE, SIDE)
    rows = [(ink, whole[:, number]) for number, ink in enumerate(inks)]
    picture = await asyncio.to_thread(sheet, rows, captions.WORDS, 42)
    context.attach("prompts.png", picture, "image/png")
    some = first[[6 * digit + digit % 6 for digit in range(10)]]
    said = [captions.prompts()[trial.asked[at]].split(maxsplit=1)[1] for at in some]
    rows = [
        (f"guidance {guidance:g}", trial.latents.decode(drawings[guidance][some]))
        for guidance in GUIDED
    ]
    context.attach("guidance.png", await asyncio.to_thread(sheet, rows, said, 84), "image/png")


@tool(timeout=600)
async def paint(code: str, context: ToolContext) -> str:
    """Take a program first; then have it draw emoji with a net that is lent, and an agent ask.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    seed: int = json.loads(code)["seed"]

    async def draw(task: looks.Task) -> Array | str:
        given = {"noise": task.noise, "told": json.dumps(task.prompts)}
        given |= {"guidance": task.guidance, "looks": task.looks}
        try:
            made = await bench.lent(task.looks, inside.PAINT, given)
        except ToolError as error:
            return "all looks are taken" if bench.refused else str(error).splitlines()[-1][:200]
        why = f"draw must return {task.noise.shape} numbers, as noise is"
        return numbers(made.get("made"), task.noise.shape, why)

    found, rows = await sampling.tried(seed, draw)
    film = (
        sampling.film(bench.lender.ways, rows[-1][1])
        if bench.lender and len(rows) == len(sampling.BUDGETS)
        else []
    )
    lines = [
        f"guidance {guidance}: {share:.2f} times as far from the exact pictures as Euler's steps"
        for guidance, share in found["shares"].items()
    ]
    if film:
        picture = await asyncio.to_thread(sheet, film, (), 64)
        context.attach("film.png", picture, "image/png")
    some = [(words, pictures[:_COLUMNS]) for words, pictures in rows]
    if some:
        context.attach("emoji.png", await asyncio.to_thread(sheet, some, (), 64), "image/png")
    if found["looks"] is None and found["near"] is None:
        context.emit("the agent is asked\n")
        found["agent"], drawn_rows = await sampling.painted(seed, draw)
        lines += [f"{one['wish']} → {one['prompt']}: {one['seen']}" for one in found["agent"]]
        if drawn_rows:
            picture = await asyncio.to_thread(sheet, drawn_rows, (), 96)
            context.attach("wishes.png", picture, "image/png")
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)
