"""The lab's tools: a sandbox, and a real LoRA on the bundled model, put on while it is loaded."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from agentlab import ToolContext, tool
from agentlab.errors import ToolError
from agentlab.labs import Equipment
from agentlab_tools.train.workbench import Workbench

from .cases import evening

MOST_PAIRS = 100
_HOW = {"rank": 8, "alpha": 16, "lr": 3e-3, "steps": 24, "rows": 1, "context": 192}
"""The same for everybody: here the data is what counts."""
_TICKET = 32
"""Tokens that a ticket may have."""
_ORDERS = re.compile(r"orders\((\d+)\)")


@asynccontextmanager
async def bench() -> AsyncGenerator[Equipment]:
    """A sandbox with NumPy, the bundled model, and room for adapters.

    Raises:
        MissingExtra: what training needs is not installed.
    """
    from agentlab_tools.train.recipes.lora import recipe

    async with Workbench.open(recipe, model="smollm2", packages=("numpy",)) as opened:
        yield Equipment(deps=opened, labels=opened.labels)


@tool(timeout=120)
async def run(code: str, context: ToolContext) -> str:
    """Run Python code in the sandbox."""
    place: Workbench = context.deps
    return await place.run(code)


@tool(timeout=900)
async def tune(code: str, context: ToolContext) -> str:
    """Tune a LoRA on the `pairs` that a program makes; `orders(SEED)` then tries it."""
    place: Workbench = context.deps
    if asked := _ORDERS.fullmatch(code.strip()):
        return await tried(place, int(asked[1]))
    pairs = await pairs_of(place, code)
    context.emit(f"{len(pairs)} pairs, {_HOW['steps']} steps\n")
    rows = [
        {
            "messages": [
                {"role": "user", "content": message},
                {"role": "assistant", "content": ticket},
            ]
        }
        for message, ticket in pairs
    ]
    size = await place.train(rows, _HOW, context)
    return f"{size / 1e6:.1f} MB of LoRA, trained on {len(pairs)} pairs"


async def pairs_of(place: Workbench, code: str) -> list[tuple[str, str]]:
    """The pairs that a program makes.

    Raises:
        ToolError: it failed, or `pairs` is no list of (message, ticket).
    """
    await place.run(code)
    wrong = ToolError("leave a list `pairs` of (message, ticket), both of them text")
    try:
        found: Any = ast.literal_eval(await place.run("pairs"))
        pairs = [(message, ticket) for message, ticket in found]
    except (ValueError, TypeError, SyntaxError):
        raise wrong from None
    if not pairs or not all(isinstance(text, str) and text for pair in pairs for text in pair):
        raise wrong
    if len(pairs) > MOST_PAIRS:
        raise ToolError(f"{len(pairs)} pairs are more than {MOST_PAIRS}")
    return pairs


async def tried(place: Workbench, seed: int) -> str:
    """An evening's orders, written as tickets with the newest LoRA on, and one without it."""
    orders = evening(seed)
    alone = await place.ask(orders[0][0], max_tokens=_TICKET, tuned=False)
    written = [await place.ask(message, max_tokens=_TICKET) for message, _ in orders]
    missed = [
        f"✗ {message}\n    wanted {ticket}\n    got    {got}"
        for got, (message, ticket) in zip(written, orders, strict=True)
        if got != ticket
    ]
    counted = {"right": len(orders) - len(missed), "of": len(orders)}
    said = f"without the LoRA it says: {' '.join(alone.split())[:60]}"
    return "\n".join([said, *missed[:5], json.dumps(counted)])
