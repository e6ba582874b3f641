"""The lab's tools: what a program says of clips, the films it draws, and its plans.

What is wrong with a clip, which film a plan makes of a noise, and how good a film is, is known
outside of the sandbox only.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import display_safe
from agentlab_tools.film import drawing
from agentlab_tools.film.moves import FRAMES
from agentlab_tools.film.painter import Order

from . import clips, director, films, scenes, story
from .desk import Desk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


@tool(timeout=300)
async def watch(code: str, context: ToolContext) -> str:
    """Take a program first; then have it say what is wrong with clips.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if not bench.begun:
        return await bench.begin(code)
    made = clips.clips(json.loads(code)["seed"])
    given = {f"clip{n}": one.frames for n, one in enumerate(made)}
    asked = [[one.digit, one.motion] for one in made]
    said = await bench.told(_WATCH.format(asked=json.dumps(asked)), given, len(made))
    found = [
        {
            "name": one.name,
            "state": one.state,
            "digit": one.digit,
            "motion": one.motion,
            "said": str(word)[:200],
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
    if not bench.begun:
        return await bench.begin(code)
    tried = await asyncio.to_thread(films.tasks, json.loads(code)["seed"])
    given: dict[str, Any] = {f"x{n}": one.x for n, one in enumerate(tried)}
    told = [
        {"digit": one.digit, "motion": one.motion, "levels": one.levels, "plan": one.plan}
        for one in tried
    ]
    given["told"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    said = await bench.told(_DRAW, given, len(tried))
    found: list[dict[str, Any]] = []
    shown: list[Array] = []
    for number, (one, failure) in enumerate(zip(tried, said, strict=True)):
        wrong = str(failure)[:200]
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


@tool(timeout=900)
async def shoot(code: str, context: ToolContext) -> str:
    """Take a program first; then carry out its plans, measure the films, and let an agent shoot.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if not bench.begun:
        return await bench.begin(code)
    seed: int = json.loads(code)["seed"]
    said = await bench.told(_PLAN.format(frames=[scenes.LONG, FRAMES]), {}, 2)
    long, short = (
        scenes.read_plan(one, frames)
        for one, frames in zip(said, (scenes.LONG, FRAMES), strict=True)
    )
    here = await asyncio.to_thread(scenes.scene, seed)
    made = await asyncio.to_thread(scenes.shot, long, here)
    found: dict[str, Any] = {"calls": len(long), **scenes.rated(made, here)}
    some = made[:4]
    strips = [one[::2] for one in some]
    context.attach("long.png", await asyncio.to_thread(drawing.strip, strips), "image/png")
    context.attach("long.gif", await asyncio.to_thread(drawing.clip, list(some)), "image/gif")
    lines = [scenes.told(found)]
    if not any(scenes.lacking(name, found) for name in scenes.MEASURES):
        context.emit("the agent is told two stories\n")
        found["stories"] = await _stories(seed, short, context)
        lines += [f"{one['told']} {one['wrong'] or 'So it does.'}" for one in found["stories"]]
    return display_safe("\n".join(lines)) + "\n" + json.dumps(found)


async def _stories(seed: int, plan: list[Order], context: ToolContext) -> list[dict[str, Any]]:
    """What the agent has shot of each story, and whether that shows it."""
    told: list[dict[str, Any]] = []
    frames: list[Array] = []
    for one in story.stories(seed):
        calls = await director.called(one.requests)
        frames.append(await asyncio.to_thread(story.shot, one, calls, plan, seed))
        wrong = story.unlike(one, frames[-1])
        told.append({"told": " ".join(one.requests), "calls": calls, "wrong": wrong})
    context.attach("stories.png", await asyncio.to_thread(drawing.strip, frames), "image/png")
    context.attach("stories.gif", await asyncio.to_thread(drawing.clip, frames), "image/gif")
    return told


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

_PLAN = """import json
print(json.dumps([
    [[_first, [float(_one) for _one in _told], [float(_one) for _one in _after]]
     for _first, _told, _after in plan(_frames)]
    for _frames in {frames}
]))"""
