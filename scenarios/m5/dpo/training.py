"""The lab's tools: a sandbox, and real DPO on the bundled model, put on while it is loaded."""

from __future__ import annotations

import asyncio
import json
import math
import re
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlab import ToolContext, tool
from agentlab.backend import Reply, Settings
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.errors import ConfigError, ToolError
from agentlab.messages import Message
from agentlab.scenario import Equipment
from agentlab_tools.execute import Sandbox, SandboxLimits

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
    "held_out": 0,
}
"""The same for everybody: here the preferences are what counts."""
_GREEDY = Settings(temperature=0, repeat_penalty=1.0, max_tokens=48)
_ASKED = re.compile(r"ask\((\d+(?:, \d+)*)\)")


@dataclass
class Bench:
    """What the tools work with."""

    sandbox: Sandbox
    model: LlamaCpp
    folder: Path
    trained: int = 0
    """How many adapters were trained here."""


@asynccontextmanager
async def bench() -> AsyncGenerator[Equipment]:
    """A sandbox, the bundled model, and room for adapters.

    Raises:
        MissingExtra: what training needs is not installed.
    """
    from agentlab.backends.llamacpp.registry import locate  # noqa: PLC0415 - only when run
    from agentlab_tools.train.recipes.dpo import recipe  # noqa: PLC0415

    recipe.check()
    limits = SandboxLimits(timeout=30)
    with tempfile.TemporaryDirectory() as folder:
        model = LlamaCpp(locate("smollm2"), n_ctx=512)
        try:
            async with Sandbox.open(limits=limits, spare=False) as opened:
                info = opened.describe()
                labels = {"sandbox": f"{info.level} ({info.backend})"}
                yield Equipment(deps=Bench(opened, model, Path(folder)), labels=labels)
        finally:
            await model.aclose()


@tool(timeout=120)
async def run(code: str, context: ToolContext) -> str:
    """Run Python code in the sandbox."""
    place: Bench = context.deps
    return await _ran(place.sandbox, code)


@tool(timeout=900)
async def align(code: str, context: ToolContext) -> str:
    """Train by a program's `prefer(question, a, b)`; `ask(NUMBERS)` then asks the tuned model."""
    place: Bench = context.deps
    if asked := _ASKED.fullmatch(code.strip()):
        return await tried(place, [int(number) for number in asked[1].split(", ")])
    chosen = await preferences(place.sandbox, code)
    context.emit(f"{len(chosen)} of 40 pairs say something; {_HOW['steps']} steps\n")
    place.trained += 1
    adapter = await asyncio.to_thread(_train, place.folder / f"{place.trained}", chosen, context)
    await asyncio.to_thread(place.model.add_adapter, f"mine-{place.trained}", adapter)
    return f"trained on {len(chosen)} preferences"


async def preferences(sandbox: Sandbox, code: str) -> list[dict[str, Any]]:
    """Pairs of which a program prefers one, in the form that the recipe reads.

    Raises:
        ToolError: the program failed, or prefers too rarely.
    """
    rows = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    await _ran(sandbox, code)
    called = f"[prefer(r['question'], r['a'], r['b']) for r in {rows!r}]"
    told = await _ran(sandbox, f"import json as _json\nprint(_json.dumps({called}))")
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


async def _ran(sandbox: Sandbox, code: str) -> str:
    done = await sandbox.run_python(code)
    if done.error is not None:
        raise ToolError(done.error.strip())
    return done.stdout + (done.value or "")


def _train(folder: Path, chosen: Sequence[dict[str, Any]], context: ToolContext) -> Path:
    from agentlab_tools.train.events import Progress  # noqa: PLC0415 - only when run
    from agentlab_tools.train.recipe import Work  # noqa: PLC0415
    from agentlab_tools.train.recipes.dpo import recipe  # noqa: PLC0415

    folder.mkdir()
    data = folder / "preferences.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in chosen), encoding="utf-8")

    def tell(event: object) -> None:
        if isinstance(event, Progress):
            context.emit(f"step {event.step}  loss {event.loss:.3f}\n")

    settings = recipe.read_settings({**_HOW, "data": str(data)})
    try:
        recipe.run(settings, Work(folder / "work", tell=tell, every=math.inf))
    except ConfigError as error:
        raise ToolError(str(error)) from None
    return folder / "work" / "artifacts" / "adapter.gguf"


async def tried(place: Bench, numbers: Sequence[int]) -> str:
    """What the model says to unseen questions with the newest adapter on, and once without it."""
    asked = questions(numbers)
    place.model.use_adapters({})
    before = await said(place.model, asked[0])
    place.model.use_adapters({f"mine-{place.trained}": 1.0})
    answers = [await said(place.model, question) for question in asked]
    lines = [f"before: {asked[0]}\n    {before}", "after:"]
    lines += [f"{q}\n    {a}" for q, a in zip(asked[:6], answers[:6], strict=True)]
    words = [len(answer.split()) for answer in answers]
    return "\n".join([*lines, json.dumps({"words": words, "before": len(before.split())})])


async def said(model: LlamaCpp, question: str) -> str:
    """The model's answer, cut off after 48 tokens."""
    async for item in model.stream([Message.user(question)], settings=_GREEDY):
        if isinstance(item, Reply):
            return " ".join(item.message.text.split())
    raise AssertionError("a backend ends with a reply")
