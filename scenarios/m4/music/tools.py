"""The lab's tools: a program in a sandbox, and then what it defines, tried there.

What is right is known outside of the sandbox only: which notes there were, which parallels, who has
a twin, and how a chorale goes on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.chorales.corpus import corpus_folder
from agentlab_tools.chorales.given import source
from agentlab_tools.chorales.roll import roll
from agentlab_tools.chorales.sound import wav
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH

from . import cases, composing, judging, learning
from .cases import Voices, opening, until

_HERE = Path(__file__).parent
_LIMITS = SandboxLimits(timeout=300, threads=1)
"""Seconds by the clock, which runs on while others have the processor."""
_SHOWN = 2000
_LARGEST = 20_000_000
_DRAWN = 96
"""Sixteenths of a piece that are drawn."""
_GIVEN = {
    "learn": {"notes.py": source("notes.py"), "parts.py": source("layer.py")},
    "compose": {
        "notes.py": source("notes.py"),
        "rules.py": source("rules.py"),
        "writer.py": (_HERE / "writer.txt").read_text(encoding="utf-8"),
    },
}
"""What programs import, by name."""


@dataclass
class Desk:
    """Where a learner's program runs: a sandbox, opened when it is known with which packages."""

    stack: AsyncExitStack
    plain: Sandbox
    opened: Sandbox | None = None

    async def begin(self, code: str, *packages: str) -> str:
        """Open it, and run the program in it."""
        self.opened = self.plain
        if packages:
            self.opened = await self.stack.enter_async_context(
                Sandbox.open(packages=packages, limits=_LIMITS, spare=False)
            )
        if "torch" in packages:
            await printed_by(self.opened, QUICK_TORCH)
        kind = "learn" if "torch" in packages else "compose"
        for name, text in _GIVEN[kind].items() if packages else ():
            await self.opened.write_file(name, text)
        if kind == "compose" and packages:
            await self.opened.write_file("net.npz", await learning.weights())
        return display_safe((await printed_by(self.opened, code))[:_SHOWN]) or "ready"

    async def run(self, code: str, given: object) -> dict[str, Any]:
        """Run our code on the learner's functions, and read the file that it leaves."""
        if self.opened is None:
            raise ToolError("no program was run yet")
        await self.opened.write_file("given.json", json.dumps(given))
        await printed_by(self.opened, _READ + code + _WRITE)
        try:
            made: object = json.loads(await self.opened.read_file("made.json", limit=_LARGEST))
        except (ValueError, RecursionError, WorkspaceError):
            made = None
        if not isinstance(made, dict):
            raise ToolError("what came out of it can't be read")
        return cast(dict[str, Any], made)


@asynccontextmanager
async def desk() -> AsyncGenerator[Equipment]:
    """A sandbox with nothing in it; others are opened by those who need PyTorch or NumPy.

    Raises:
        MissingExtra: torch or music21's corpus is not installed.
    """
    require({"torch": "train"})
    corpus_folder()
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(Sandbox.open(limits=_LIMITS, spare=False))
        yield Equipment(deps=Desk(stack, plain), labels=equipped(plain).labels)


@tool(timeout=300)
async def look(code: str, context: ToolContext) -> str:
    """Take a program first; then try what it says of pieces and melodies.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code)
    told: dict[str, Any] = json.loads(code)
    rng = Random(told["seed"])  # noqa: S311 - the seed is the point
    if told["task"] == "tokens":
        return await _tokens(bench, await asyncio.to_thread(cases.written, rng), context)
    if told["task"] == "parallels":
        pieces = await asyncio.to_thread(cases.counted, rng)
        made = await bench.run(_PARALLELS, [one["voices"] for one in pieces])
        said = _as_many(made["found"], len(pieces))
        found = judging.miscounted(pieces, said)
        await _seen(context, pieces, said)
        return _shown("", found)
    melodies = await asyncio.to_thread(cases.melodies, rng)
    made = await bench.run(_APART, melodies)
    found = judging.unparted(melodies, made)
    return _shown(f"{len(made['held'])} of {len(melodies)} are held back", found)


async def _tokens(bench: Desk, drawn: list[tuple[Voices, int]], context: ToolContext) -> str:
    pieces = [piece for piece, _ in drawn]
    halves = [_half(piece) for piece in pieces]
    made = await bench.run(_ENCODE, [pieces, halves])
    tokens, begun = _as_many(made["tokens"], len(pieces)), _as_many(made["begun"], len(pieces))
    back = _as_many((await bench.run(_DECODE, tokens))["back"], len(pieces))
    rows = [
        {"tokens": a, "back": b, "begun": c} for a, b, c in zip(tokens, back, begun, strict=True)
    ]
    found = judging.rewritten(pieces, rows)
    last = judging.four_voices(back[-1], "decode(tokens)")
    await played(context, "came-back", last, "What came back of the last piece", drawn[-1][1])
    return _shown(f"the last begins {str(tokens[-1][:16])[:-1]}, …", found)


def _half(piece: Voices) -> Voices | None:
    """A piece up to the moment nearest to its middle at which all voices begin something."""
    one, *others = ({at for at, _ in judging.onsets(voice)} for voice in piece)
    length = sum(lasts for _, lasts in piece[0])
    both = one.intersection(*others) - {0}
    places: list[int] = sorted(both, key=lambda at: abs(at - length / 2))
    if not places:
        return None
    return [until(voice, places[0]) for voice in piece]


async def _seen(context: ToolContext, pieces: list[dict[str, Any]], said: list[Any]) -> None:
    """The chorale in whose first bars most parallels were found."""
    begun = [[one[:3] for one in found if one[0] < _DRAWN] for found in said]
    piece, marks = max(
        ((piece, some) for piece, some in zip(pieces, begun, strict=True) if "pickup" in piece),
        key=lambda pair: len(pair[1]),
    )
    voices, title = opening(piece["voices"], _DRAWN), f"What was found in {piece['name']}"
    picture = await asyncio.to_thread(roll, voices, title, pickup=piece["pickup"], marks=marks)
    context.attach("parallels.png", picture, "image/png")


async def played(
    context: ToolContext, name: str, voices: Voices, title: str, pickup: int = 0
) -> None:
    """Four voices as a picture and as sound."""
    picture = await asyncio.to_thread(roll, voices, title, pickup=pickup)
    context.attach(f"{name}.png", picture, "image/png")
    context.attach(f"{name}.wav", await asyncio.to_thread(wav, voices), "audio/wav")


@tool(timeout=1200)
async def train(code: str, context: ToolContext) -> str:
    """Take a program first; then have it learn, and foretell how other chorales go on.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code, "torch", "numpy")
    trial = await asyncio.to_thread(learning.Trial.drawn, json.loads(code)["seed"])
    made = await bench.run(_LEARN, {"seed": trial.seed, "pieces": trial.learn})
    context.emit(f"trained in {made['seconds']:.0f} s\n")
    rounds: list[Any] = []
    for beginnings in trial.rounds:
        rounds.append((await bench.run(_FORETELL, beginnings))["said"])
    found = await asyncio.to_thread(trial.judged, rounds)
    return _shown(found.pop("shown", ""), found)


@tool(timeout=1200)
async def compose(code: str, context: ToolContext) -> str:
    """Take a program first; then have it compose, measure that, and have an agent ask for more.

    The last line of what is returned is for the grader.
    """
    bench: Desk = context.deps
    if bench.opened is None:
        return await bench.begin(code, "numpy")

    async def composed(asked: list[tuple[str, int]], seed: int) -> list[Any]:
        made = await bench.run(_COMPOSE, {"asked": asked, "seed": seed})
        return _as_many(made["said"], len(asked))

    shown, found, heard = await composing.tried(json.loads(code)["seed"], composed, context.emit)
    if heard is not None:
        await played(context, "chorale", heard[1], heard[0])
    return _shown(shown, found)


def _as_many(said: object, count: int) -> list[Any]:
    if not isinstance(said, list) or len(cast(list[Any], said)) != count:
        raise ToolError("what came out of it can't be read")
    return cast(list[Any], said)


def _shown(text: str, found: object) -> str:
    return f"{display_safe(text)}\n{json.dumps(found)}"


_READ = """import json
with open("given.json") as _file:
    _given = json.load(_file)
def _four(piece):
    return [[(pitch, length) for pitch, length in voice] for voice in piece]
def _plain(made):
    return [[list(note) for note in voice] for voice in made]
"""
_WRITE = """
with open("made.json", "w") as _file:
    json.dump(_made, _file, default=int)"""
_ENCODE = """_made = dict(
    tokens=[list(encode(_four(piece))) for piece in _given[0]],
    begun=[None if half is None else list(encode(_four(half))) for half in _given[1]])"""
_DECODE = """_made = dict(back=[_plain(decode(tokens)) for tokens in _given])"""
_PARALLELS = (
    """_made = dict(found=[[list(one) for one in parallels(_four(piece))] for piece in _given])"""
)
_APART = """_learn, _held = apart(_given)
_made = dict(learn=list(_learn), held=list(_held))"""
_LEARN = """import time, torch
torch.manual_seed(_given["seed"])
_since = time.monotonic()
_net = learn(_given["pieces"])
_made = dict(seconds=time.monotonic() - _since)"""
_FORETELL = """import torch
with torch.no_grad():
    _said = torch.as_tensor(foretell(_net, _given)).double()
_made = dict(said=[[round(number, 6) for number in row] for row in _said.tolist()])"""
_COMPOSE = """_said = []
for _number, (_key, _bars) in enumerate(_given["asked"]):
    try:
        _said.append(_plain(compose(_key, _bars, _given["seed"] + _number)))
    except ValueError as _error:
        _said.append("ValueError: " + str(_error))
_made = dict(said=_said)"""
