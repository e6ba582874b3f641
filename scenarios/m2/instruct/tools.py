"""The lab's tools: a program in the sandbox; and what it makes, learnt and asked outside of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.llamacpp.template import PLAIN
from agentlab.errors import ConfigError, ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, display_safe, printed_by
from agentlab_tools.execute.equipment import equipped
from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.waiting import share_openmp

from . import judging, serving
from .cases import ASKED
from .gemma import MODEL
from .tuning import Row, adapter_for
from .turns import END, LEARNT, LINE, asked, pairs, shown

_FEW = 3
"""Questions that are asked where the template is another than it learnt."""
_SECONDS = 30.0

_ROWS = """
import json as _json
_rows = []
for _question, _answer in _json.load(open("pairs.json")):
    _ids, _labels = pair(list(_question), list(_answer))
    _rows.append([[int(_n) for _n in _ids], [int(_n) for _n in _labels]])
print(_json.dumps({"rows": _rows, "template": str(TEMPLATE)}))
"""


@dataclass
class Bench:
    """A sandbox, and what came of the program that ran in it."""

    opened: Sandbox
    template: str = ""
    adapter: Path | None = None


@asynccontextmanager
async def bench() -> AsyncGenerator[Equipment]:
    """A sandbox; and the base model, if it is installed.

    Raises:
        MissingExtra: what training needs is not installed.
        ModelNotFound, ModelUnreadable: the model is not, or is damaged.
    """
    from agentlab_tools.train.recipes.lora import recipe

    recipe.check()
    await asyncio.to_thread(locate, MODEL)
    share_openmp()
    limits = SandboxLimits(timeout=_SECONDS)
    async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
        given = [[one.question_ids, one.answer_ids] for one in pairs()[:LEARNT]]
        await opened.write_file("pairs.json", json.dumps(given))
        yield Equipment(deps=Bench(opened), labels=equipped(opened).labels)


@tool(timeout=60)
async def run(code: str, context: ToolContext) -> str:
    """Run Python code in the sandbox."""
    place: Bench = context.deps
    return display_safe(await printed_by(place.opened, code))


@tool(timeout=1200)
async def tune(code: str, context: ToolContext) -> str:
    """Take a program first, and train on its rows; then ask the tuned model through its template.

    The last line of what is returned is for the grader.
    """
    place: Bench = context.deps
    if place.adapter is None:
        await printed_by(place.opened, code)
        rows, place.template = _checked(await printed_by(place.opened, _ROWS))
        judged = sum(label != UNSCORED for _, labels in rows for label in labels[1:])
        context.emit(f"{len(rows)} rows, {judged} tokens to learn\n")
        place.adapter = await asyncio.to_thread(adapter_for, rows, context.emit)
        return f"{place.adapter.stat().st_size / 1e6:.1f} MB of adapter: {place.adapter}"
    found = await _tried(place, int(json.loads(code)["seed"]))
    return display_safe("\n".join(found.pop("shown"))) + "\n" + json.dumps(found)


def _checked(printed: str) -> tuple[list[Row], str]:
    """Rows and template of a program, by what it printed.

    Rows that are not as they should be are not learnt: that would take as long as the right ones.

    Raises:
        ToolError: there are others than the lab's pairs make, or none.
    """
    try:
        made = json.loads(printed.strip().splitlines()[-1])
        rows = cast(list[Row], made["rows"])
        template = str(made["template"])
        slips = [
            judging.slip(one, ids, labels)
            for one, (ids, labels) in zip(pairs()[:LEARNT], rows, strict=True)
        ]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ToolError("the program does not leave the rows as pair makes them") from error
    for at, slip in enumerate(slips):
        if slip is not None:
            raise ToolError(f"row {at} would not be learnt as it should be: {slip}")
    return rows, template


async def _tried(place: Bench, seed: int) -> dict[str, Any]:
    """What the model reads, writes and is right about: as it was, and tuned."""
    chosen = serving.some(seed, ASKED)
    before = await _before(seed)
    try:
        async with serving.served(place.template, place.adapter) as model:
            reads = await _reads(model, [task.question for task in chosen])
            asked_of = chosen if reads is None else chosen[:_FEW]
            talks = [await serving.talk(model, task) for task in asked_of]
    except ConfigError as error:
        raise ToolError(f"the template can't be used: {error}") from error
    lines: list[str] = []
    for one, other in list(zip(before, talks, strict=False))[: 2 * _FEW]:
        lines += [one.task.question, f"    before: {_line(one)}", f"    after:  {_line(other)}"]
    counted = [_counted(before), _counted(talks)]
    lines += [f"{name} {of}" for name, of in zip(("before:", "after: "), counted, strict=True)]
    ended, right = (sum(getattr(one, name) for one in talks) for name in ("ended", "right"))
    return {"shown": lines, "reads": reads, "ended": ended, "right": right}


_BEFORE: dict[int, list[serving.Talk]] = {}
"""What the untuned model says is the same for every answer to a draw, so it is asked once."""


async def _before(seed: int) -> list[serving.Talk]:
    if seed not in _BEFORE:
        async with serving.served(PLAIN, None) as model:
            _BEFORE[seed] = [await serving.talk(model, one) for one in serving.some(seed, ASKED)]
    return _BEFORE[seed]


def _counted(talks: Sequence[serving.Talk]) -> str:
    ended, right = (sum(getattr(one, name) for one in talks) for name in ("ended", "right"))
    return f"of {len(talks)} answers {ended} ended by the model itself, {right} right"


async def _reads(model: LlamaCpp, questions: Sequence[str]) -> str | None:
    """How the template differs from the turns of Gemma, in any question or in a conversation."""
    for texts in (*([question] for question in questions), [questions[0], "Yes", questions[1]]):
        ids = await serving.read(model, texts)
        wanted = await asyncio.to_thread(_wanted, texts)
        for at, (mine, theirs) in enumerate(zip(ids, wanted, strict=False)):
            if mine != theirs:
                return f"token {at} is {shown(mine)}, and {shown(theirs)} in Gemma's turns"
        if len(ids) != len(wanted):
            return f"it has {len(ids)} tokens, and Gemma's turns {len(wanted)}"
    return None


def _wanted(texts: Sequence[str]) -> list[int]:
    """A conversation in Gemma's turns, up to where the model writes; its turns are every other."""
    ids: list[int] = []
    for n, text in enumerate(texts):
        plain = serving.tokens(text)
        ids += asked(plain)[bool(ids) :] if n % 2 == 0 else [*plain, END, LINE]
    return ids


def _line(one: serving.Talk) -> str:
    text = " ".join(one.wrote.split())
    return text if one.ended else f"{text} … (cut off)"
