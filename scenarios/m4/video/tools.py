"""The lab's desk, and its tools: what a program says of clips, the films it draws, and its plans.

What is wrong with a clip, which film a plan makes of a noise, and how good a film is, is known
outside of the sandbox only.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import require
from agentlab_tools.film import drawing
from agentlab_tools.film.moves import MOTIONS

from . import clips, films

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_HERE = Path(__file__).parent
_LIMITS = SandboxLimits(timeout=300, threads=1)
"""Seconds by the clock, which runs on while others have the processor."""
_SHOWN, _LARGEST = 2000, 16_000_000


@dataclass
class Desk:
    """Where a learner's program runs: a sandbox, opened when there is a program."""

    stack: AsyncExitStack
    opened: Sandbox | None = None

    async def begin(self, code: str) -> str:
        """Open it, put there what programs import, and run the program."""
        opened = await self.stack.enter_async_context(
            Sandbox.open(packages=("numpy",), limits=_LIMITS, spare=False)
        )
        self.opened = opened
        for name, data in _lent().items():
            await opened.write_file(name, data)
        return display_safe((await printed_by(opened, code))[:_SHOWN]).rstrip() or "ready"

    async def run(self, code: str, given: Mapping[str, Any]) -> str:
        """Run our code on the learner's function; what it printed last, as JSON."""
        if self.opened is None:
            raise ToolError("no program was run yet")
        await self.opened.write_file("given.npz", packed(given))
        return (await printed_by(self.opened, code)).strip().rpartition("\n")[2]

    async def array(self, name: str) -> Array:
        """An array that our code left in a file.

        Raises:
            ToolError: there is none.
        """
        import numpy as np

        if self.opened is None:
            raise ToolError("no program was run yet")
        try:
            data = await self.opened.read_file(name, limit=_LARGEST)
            return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), dtype=float)
        except (WorkspaceError, ValueError, EOFError, OSError) as error:
            raise ToolError("what came out of it can't be read") from error


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A place for programs, which is opened when the first one comes.

    Raises:
        MissingExtra: what clips are drawn with is not installed.
    """
    require({"numpy": "tools", "PIL": "tools"})
    async with AsyncExitStack() as stack:
        yield Equipment(deps=Desk(stack))


def packed(given: Mapping[str, Any]) -> bytes:
    """Arrays as an .npz file."""
    import numpy as np

    file = io.BytesIO()
    np.savez(file, **cast(dict[str, Any], given))
    return file.getvalue()


def _lent() -> dict[str, bytes]:
    """What programs import, by its name there."""
    sources = {"look": "film.look", "judge": "digits.judge", "layers": "film.net"}
    made: dict[str, bytes] = {"meant.npz": packed({one: clips.meant(one) for one in MOTIONS})}
    for name, module in sources.items():
        found = importlib.import_module(f"agentlab_tools.{module}").__file__
        made[f"{name}.py"] = Path(str(found)).read_bytes()
        if name == "judge":
            made["judge.npz"] = Path(str(found)).with_suffix(".npz").read_bytes()
    made |= {f"{name}.py": (_HERE / f"{name}.txt").read_bytes() for name in ("eyes", "net")}
    return made | {"film.npz": films.WEIGHTS.read_bytes()}


@tool(timeout=300)
async def watch(code: str, context: ToolContext) -> str:
    """Take a program first; then have it say what is wrong with clips.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    made = clips.clips(json.loads(code)["seed"])
    given = {f"clip{n}": one.frames for n, one in enumerate(made)}
    asked = [[one.digit, one.motion] for one in made]
    line = await bench.run(_WATCH.format(asked=json.dumps(asked)), given)
    said = _as_many(line, len(made))
    found = [
        {
            "name": one.name,
            "state": one.state,
            "digit": one.digit,
            "motion": one.motion,
            "said": word,
        }
        for one, word in zip(made, said, strict=True)
    ]
    some = [n for n, one in enumerate(found) if one["said"] != one["state"]] or range(len(made))
    shown = [made[n].frames for n in list(some)[:6]]
    context.attach("clips.png", await asyncio.to_thread(drawing.strip, shown), "image/png")
    right = sum(one["said"] == one["state"] for one in found)
    lines = [f"{right} of {len(found)} clips are told right; shown, from above:"]
    lines += [f"{asked[n][0]}, {asked[n][1]}: {found[n]['said']}" for n in list(some)[:6]]
    return display_safe("\n".join(lines)) + "\n" + json.dumps({"clips": found})


@tool(timeout=300)
async def draw(code: str, context: ToolContext) -> str:
    """Take a program first; then have it draw films, and hold them against what the net makes.

    The last line of what is returned is for the grader.
    """
    import numpy as np

    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    tried = await asyncio.to_thread(films.tasks, json.loads(code)["seed"])
    given: dict[str, Any] = {f"x{n}": one.x for n, one in enumerate(tried)}
    told = [
        {"digit": one.digit, "motion": one.motion, "levels": one.levels, "plan": one.plan}
        for one in tried
    ]
    given["told"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    said = _as_many(await bench.run(_DRAW, given), len(tried))
    found: list[dict[str, Any]] = []
    shown: list[Array] = []
    for number, (one, wrong) in enumerate(zip(tried, said, strict=True)):
        if not wrong:
            frames = await bench.array(f"film{number}.npy")
            wrong = films.differs(frames, await asyncio.to_thread(one.film))
            if frames.shape == one.x.shape:
                shown.append((frames[: films.FRAMES] + 1) / 2)
        found.append({"name": one.name, "wrong": wrong or None})
    if shown:
        context.attach("films.png", await asyncio.to_thread(drawing.strip, shown), "image/png")
        context.attach("films.gif", await asyncio.to_thread(drawing.clip, shown), "image/gif")
    lines = [f"{one['name']}: {one['wrong'] or 'as it should be'}" for one in found]
    return display_safe("\n".join(lines)) + "\n" + json.dumps({"films": found})


def _as_many(line: str, count: int) -> list[str]:
    """What was said of each, as short texts.

    Raises:
        ToolError: it can't be read.
    """
    try:
        said: object = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, list) or len(cast(list[Any], said)) != count:
        raise ToolError("what came out of it can't be read")
    return [str(one)[:200] for one in cast(list[Any], said)]


_WATCH = """import json, numpy
_given, _said = dict(numpy.load("given.npz")), []
for _n, (_digit, _motion) in enumerate({asked}):
    try:
        _said.append(str(verdict(_given[f"clip{{_n}}"].copy(), _digit, _motion)))
    except Exception as _error:
        _said.append(f"{{type(_error).__name__}}: {{_error}}"[:100])
print(json.dumps(_said))"""
_DRAW = """import json, numpy
from net import net_for as _net_for
_given, _said = dict(numpy.load("given.npz")), []
for _n, _t in enumerate(json.loads(bytes(_given["told"]))):
    try:
        _plan = [(_first, list(_told), list(_after)) for _first, _told, _after in _t["plan"]]
        _net = _net_for(_t["digit"], _t["motion"])
        _made = film(_net, _given[f"x{_n}"].copy(), list(_t["levels"]), _plan)
        numpy.save(f"film{_n}.npy", numpy.asarray(_made, dtype="float64"))
        _said.append("")
    except Exception as _error:
        _said.append(f"{type(_error).__name__}: {_error}"[:100])
print(json.dumps(_said))"""
