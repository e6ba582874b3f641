"""The lab's tools: a program in the sandbox, and then what it made, tried there.

Which translations are right, and which nets leak, is known outside of the sandbox only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast
from weakref import WeakKeyDictionary

from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped, require
from agentlab_tools.execute.quick_torch import QUICK_TORCH

from . import agent
from .cases import ASKED, FRESH, KNOWN
from .dates import Dated, drawn, tossed, vocabularies
from .drawing import alignment, reached
from .judging import RIGHT
from .pieces import END, START, cut, padded

_HERE = Path(__file__).parent
_GIVEN = {"pieces.py": "pieces.py", "parts.py": "parts.txt"}
"""What the last step's programs import: by its name there, and its name here."""
_SECONDS = 600.0
"""By the clock, which runs on while others have the processor."""
_SHOWN = 2000
_QUESTIONS = 3


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with PyTorch, on one thread.

    Raises:
        MissingExtra: torch or Babel is not installed.
    """
    require({"torch": "train", "babel": "course"})
    limits = SandboxLimits(timeout=_SECONDS, threads=1)
    async with Sandbox.open(packages=("torch", "numpy"), limits=limits, spare=False) as opened:
        await printed_by(opened, QUICK_TORCH)
        yield equipped(opened)


@tool(timeout=1200)
async def build(code: str, context: ToolContext) -> str:
    """Take a program first; then try the net or the function that it made.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        return await _program(opened, code)
    told: dict[str, Any] = json.loads(code)
    if told["task"] == "sees":
        return await _sees(opened, told["nets"], context)
    return await _net(opened, told["seed"], context)


@tool(timeout=1200)
async def serve(code: str, context: ToolContext) -> str:
    """Take a program first; then have it train a translator, and an agent call that.

    The last line of what is returned is for the grader.
    """
    opened: Sandbox = context.deps
    if opened not in _programs:
        for name, here in _GIVEN.items():
            await opened.write_file(name, (_HERE / here).read_text(encoding="utf-8"))
        return await _program(opened, code)
    return await _served(opened, json.loads(code)["seed"], context)


async def _program(opened: Sandbox, code: str) -> str:
    _programs[opened] = True
    return display_safe((await printed_by(opened, code))[:_SHOWN]) or "ready"


async def _net(opened: Sandbox, seed: int, context: ToolContext) -> str:
    dates = await asyncio.to_thread(drawn, seed, KNOWN + FRESH)
    pairs = tossed(dates, seed)
    english, hungarian = vocabularies(dates)
    source = padded([english.ids(one) for one, _ in pairs])
    target = padded([[START, *hungarian.ids(other), END] for _, other in pairs])
    given = {
        "seed": seed,
        "words": len(english),
        "pieces": len(hungarian),
        "source": source[:KNOWN],
        "target": target[:KNOWN],
        "fresh": source[KNOWN:],
        "wanted": target[KNOWN:],
    }
    found = await _inside(opened, "net(Translator, _given)", given)
    if "written" not in found:
        return _shown("", found)
    fresh = dates[KNOWN:]
    texts = [hungarian.text(row) for row in _rows(found.pop("written"), FRESH, len(hungarian))]
    moves = found.pop("moves")
    rows = [*cut(texts[0]), "(end)"]
    picture = await asyncio.to_thread(alignment, moves, rows, cut(fresh[0].english))
    context.attach("alignment.png", picture, "image/png")
    return _shown(f"{found['nats']:.2f} nats a date", found | compared(fresh, texts))


def compared(fresh: Sequence[Dated], texts: Sequence[str | None]) -> dict[str, Any]:
    """How many translations are right, and the first that is not."""
    pairs = list(zip(fresh, texts, strict=True))
    wrong = [(one, text) for one, text in pairs if text not in one.hungarian]
    found: dict[str, Any] = {"right": len(pairs) - len(wrong), "of": len(pairs)}
    if wrong:
        found["e.g."] = f"{wrong[0][0].english!r} became {wrong[0][1]!r}"
    return found


async def _sees(opened: Sandbox, nets: list[Any], context: ToolContext) -> str:
    found = await _inside(opened, "seen(sees, _given)", nets)
    said = [one["said"] for one in found]
    context.attach("seen.png", await asyncio.to_thread(reached, said), "image/png")
    return _shown("", {"nets": found})


async def _served(opened: Sandbox, seed: int, context: ToolContext) -> str:
    rng = Random(seed)  # noqa: S311 - the seed is the point
    dates = await asyncio.to_thread(drawn, seed, KNOWN + ASKED)
    fresh, plain = dates[KNOWN:], [one for one in dates[KNOWN:] if "," not in one.hungarian[0]]
    unread = [misread(rng, one.english) for one in fresh[:3]] + ["yesterday"]
    texts = [one.english for one in fresh]
    given = {"seed": seed, "pairs": tossed(dates[:KNOWN], seed), "texts": [*texts, *unread]}
    await opened.write_file("given.json", json.dumps(given))
    learnt = await printed_by(opened, _TRAINED)
    context.emit(learnt[-_SHOWN:])
    said = await _inside(opened, "served(translate, _made, _given)", given["texts"])
    found = compared(fresh, said[:ASKED])
    found["unread"] = list(zip(unread, said[ASKED:], strict=True))
    if found["right"] >= RIGHT * ASKED:
        context.emit(f"the agent is asked about {_QUESTIONS} dates\n")

        async def translate(text: str) -> str | None:
            (got,) = await _inside(opened, "served(translate, _made, _given)", [text])
            return got

        found["calls"] = await agent.asked(plain[:_QUESTIONS], translate)
    lines = [f"{one['date']} → {one['got']} → {one['says']}" for one in found.get("calls", [])]
    return _shown("\n".join(lines), found)


def misread(rng: Random, english: str) -> str:
    """A date with a letter of a month or weekday lost, as a model copies one now and then."""
    long = [at for at, c in enumerate(english) if c.isalpha() and english[at - 1 : at].isalpha()]
    at = rng.choice(long)
    return english[:at] + english[at + 1 :]


async def _inside(opened: Sandbox, call: str, given: object) -> Any:
    """Our code on the learner's functions, and the line it ends with."""
    await opened.write_file("inside.py", (_HERE / "inside.py").read_text(encoding="utf-8"))
    await opened.write_file("given.json", json.dumps(given))
    said = await printed_by(opened, _CALLED.format(call=call))
    try:
        return json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        raise ToolError("what came out of it can't be read") from None


def _rows(rows: Any, count: int, size: int) -> list[list[int]]:
    """Ids as they came out of the sandbox.

    Raises:
        ToolError: they are none.
    """
    if (
        not isinstance(rows, list)
        or len(cast(list[Any], rows)) != count
        or not all(type(n) is int and 0 <= n < size for row in cast(Any, rows) for n in row)
    ):
        raise ToolError("what it wrote can't be read")
    return cast(list[list[int]], rows)


def _shown(text: str, found: object) -> str:
    return f"{display_safe(text)}\n{json.dumps(found)}"


_CALLED = """import json, inside
_given = json.load(open("given.json"))
print(json.dumps(inside.{call}))"""
_TRAINED = """import json, torch
_given = json.load(open("given.json"))
torch.manual_seed(_given["seed"])
_made = train([tuple(pair) for pair in _given["pairs"]])"""
_programs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
