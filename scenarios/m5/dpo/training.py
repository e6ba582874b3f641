"""The lab's tools: a sandbox, and real DPO on the bundled model, put on while it is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentlab import ToolContext, tool
from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab_tools.train.workbench import Workbench

from .cases import questions

ANSWERS = Path(__file__).with_name("answers.jsonl")
"""Forty questions, each with two answers that the bundled model gave at temperature 0.7."""
FEWEST_PAIRS = 12
_HOW = {
    "rank": 8,
    "alpha": 16,
    "lr": 1e-3,
    "beta": 0.1,
    "steps": 8,
    "rows": 4,
    "context": 256,
}
"""The same for everybody: here the preferences are what counts."""
_ANSWER = 48
"""Tokens after which an answer is cut off."""
_ASKED = re.compile(r"ask\((\d+(?:, \d+)*)\)")


@asynccontextmanager
async def bench() -> AsyncGenerator[Equipment]:
    """A sandbox, the bundled model, and room for adapters.

    Raises:
        MissingExtra: what training needs is not installed.
    """
    from agentlab_tools.train.recipes.dpo import recipe

    async with Workbench.open(recipe, model="smollm2") as opened:
        yield Equipment(deps=opened, labels=opened.labels)


@tool(timeout=120)
async def run(code: str, context: ToolContext) -> str:
    """Run Python code in the sandbox."""
    place: Workbench = context.deps
    return await place.run(code)


@tool(timeout=900)
async def align(code: str, context: ToolContext) -> str:
    """Train by a program's `prefer(question, a, b)`; `ask(NUMBERS)` then asks the tuned model."""
    place: Workbench = context.deps
    if asked := _ASKED.fullmatch(code.strip()):
        return await tried(place, [int(number) for number in asked[1].split(", ")])
    chosen = await preferences(place, code)
    context.emit(f"{len(chosen)} of 40 pairs say something; {_HOW['steps']} steps\n")
    await place.train(chosen, _HOW, context)
    return f"trained on {len(chosen)} preferences"


async def preferences(place: Workbench, code: str) -> list[dict[str, Any]]:
    """Pairs of which a program prefers one, in the form that the recipe reads.

    Raises:
        ToolError: the program failed, or prefers too rarely.
    """
    rows = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    await place.run(code)
    called = f"[prefer(r['question'], r['a'], r['b']) for r in {rows!r}]"
    told = await place.run(f"import json as _json\nprint(_json.dumps({called}))")
    votes: list[Any] = json.loads(told.strip().splitlines()[-1])
    if strange := [vote for vote in votes if vote not in ("a", "b", None)]:
        raise ToolError(f"prefer must return 'a', 'b' or None, not {strange[0]!r}")
    chosen = [
        {
            "messages": [{"role": "user", "content": row["question"]}],
            "chosen": row[vote],
            "rejected": row["b" if vote == "a" else "a"],
        }
        for row, vote in zip(rows, votes, strict=True)
        if vote is not None
    ]
    if len(chosen) < FEWEST_PAIRS:
        raise ToolError(f"{len(chosen)} preferences are too few to learn from: {FEWEST_PAIRS}")
    return chosen


async def tried(place: Workbench, numbers: Sequence[int]) -> str:
    """What the model says to unseen questions with the newest adapter on, and once without it."""
    asked = questions(numbers)
    before = await place.ask(asked[0], max_tokens=_ANSWER, tuned=False)
    answers = [await place.ask(question, max_tokens=_ANSWER) for question in asked]
    lines = [f"before: {asked[0]}\n    {before}", "after:"]
    lines += [f"{q}\n    {' '.join(a.split())}" for q, a in zip(asked[:6], answers, strict=False)]
    words = [len(answer.split()) for answer in answers]
    return "\n".join([*lines, json.dumps({"words": words})])
