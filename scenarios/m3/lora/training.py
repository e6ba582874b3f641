"""The lab's tools: a sandbox, and a real LoRA on the bundled model, put on while it is loaded."""

from __future__ import annotations

import ast
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

from .cases import evening

MOST_PAIRS = 100
_HOW = {
    "rank": 8,
    "alpha": 16,
    "lr": 3e-3,
    "steps": 24,
    "rows": 1,
    "context": 192,
    "held_out": 0,
}
"""The same for everybody: here the data is what counts."""
_GREEDY = Settings(temperature=0, repeat_penalty=1.0, max_tokens=32)
_ORDERS = re.compile(r"orders\((\d+)\)")


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
    """A sandbox with NumPy, the bundled model, and room for adapters.

    Raises:
        MissingExtra: what training needs is not installed.
    """
    from agentlab.backends.llamacpp.registry import locate  # noqa: PLC0415 - only when run
    from agentlab_tools.train.recipes.lora import recipe  # noqa: PLC0415

    recipe.check()
    limits = SandboxLimits(timeout=30)
    with tempfile.TemporaryDirectory() as folder:
        model = LlamaCpp(locate("smollm2"), n_ctx=512)
        try:
            async with Sandbox.open(packages=("numpy",), limits=limits, spare=False) as opened:
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


async def _ran(sandbox: Sandbox, code: str) -> str:
    done = await sandbox.run_python(code)
    if done.error is not None:
        raise ToolError(done.error.strip())
    return done.stdout + (done.value or "")


@tool(timeout=900)
async def tune(code: str, context: ToolContext) -> str:
    """Tune a LoRA on the `pairs` that a program makes; `orders(SEED)` then tries it."""
    place: Bench = context.deps
    if asked := _ORDERS.fullmatch(code.strip()):
        return await tried(place, int(asked[1]))
    pairs = await pairs_of(place.sandbox, code)
    context.emit(f"{len(pairs)} pairs, {_HOW['steps']} steps\n")
    place.trained += 1
    adapter = await asyncio.to_thread(_train, place.folder / f"{place.trained}", pairs, context)
    # hot: the base model stays loaded, and the detour is put on beside it
    await asyncio.to_thread(place.model.add_adapter, f"mine-{place.trained}", adapter)
    return f"{adapter.stat().st_size / 1e6:.1f} MB of LoRA, trained on {len(pairs)} pairs"


async def pairs_of(sandbox: Sandbox, code: str) -> list[tuple[str, str]]:
    """The pairs that a program makes.

    Raises:
        ToolError: it failed, or `pairs` is no list of (message, ticket).
    """
    await _ran(sandbox, code)
    told = await _ran(sandbox, "pairs")
    wrong = ToolError("leave a list `pairs` of (message, ticket), both of them text")
    try:
        found: Any = ast.literal_eval(told)
        pairs = [(message, ticket) for message, ticket in found]
    except (ValueError, TypeError, SyntaxError):
        raise wrong from None
    if not pairs or not all(isinstance(text, str) and text for pair in pairs for text in pair):
        raise wrong
    if len(pairs) > MOST_PAIRS:
        raise ToolError(f"{len(pairs)} pairs are more than {MOST_PAIRS}")
    return pairs


def _train(folder: Path, pairs: Sequence[tuple[str, str]], context: ToolContext) -> Path:
    from agentlab_tools.train.events import Progress  # noqa: PLC0415 - only when run
    from agentlab_tools.train.recipe import Work  # noqa: PLC0415
    from agentlab_tools.train.recipes.lora import recipe  # noqa: PLC0415

    folder.mkdir()
    data = folder / "pairs.jsonl"
    with data.open("w", encoding="utf-8") as file:
        for message, ticket in pairs:
            turns = [
                {"role": "user", "content": message},
                {"role": "assistant", "content": ticket},
            ]
            file.write(json.dumps({"messages": turns}) + "\n")

    def tell(event: object) -> None:
        if isinstance(event, Progress) and event.step % 4 == 0:
            context.emit(f"step {event.step}  loss {event.loss:.3f}\n")

    settings = recipe.read_settings({**_HOW, "data": str(data)})
    try:
        recipe.run(settings, Work(folder / "work", tell=tell, every=math.inf))
    except ConfigError as error:
        raise ToolError(str(error)) from None
    return folder / "work" / "artifacts" / "adapter.gguf"


async def tried(place: Bench, seed: int) -> str:
    """An evening's orders, written as tickets with the newest LoRA on, and a few without it."""
    orders = evening(seed)
    place.model.use_adapters({})
    alone = [await said(place.model, message) for message, _ in orders[:4]]
    place.model.use_adapters({f"mine-{place.trained}": 1.0})
    tuned = [await said(place.model, message) for message, _ in orders]
    right = [now == ticket for now, (_, ticket) in zip(tuned, orders, strict=True)]
    lines = [
        f"✗ {message}\n    wanted {ticket}\n    got    {now}"
        for now, (message, ticket), hit in zip(tuned, orders, right, strict=True)
        if not hit
    ]
    before = next((text for text in alone if text), "")
    return "\n".join(
        [
            f"without the LoRA it says: {' '.join(before.split())[:60]}",
            *lines[:5],
            json.dumps(
                {
                    "right": sum(right),
                    "of": len(orders),
                    "alone": sum(a == t for a, (_, t) in zip(alone, orders[:4], strict=True)),
                }
            ),
        ]
    )


async def said(model: LlamaCpp, message: str) -> str:
    """The model's ticket for an order: nothing but the message is before it."""
    async for item in model.stream([Message.user(message)], settings=_GREEDY):
        if isinstance(item, Reply):
            return item.message.text.strip()
    raise AssertionError("a backend ends with a reply")
