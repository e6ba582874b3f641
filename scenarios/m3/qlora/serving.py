"""The agent of the course, served in few bits: its adapter beside the base, or part of it."""

from __future__ import annotations

import ast
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Annotated, Any

from pydantic import Field

from agentlab import Agent, tool
from agentlab.backend import Settings
from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.limits import Limits
from agentlab_tools.train.bridge.quantize import KINDS, Kind, quantize

ORDERS = 4
ROOM = 105.0
"""Megabytes for all that is served."""
_STEADY = Settings(temperature=0, max_tokens=36, repeat_penalty=1.0)
_HOW = ("beside", "merged")
_folder = tempfile.TemporaryDirectory(prefix="agentlab-qlora-")


@dataclass(frozen=True)
class Choice:
    """How the agent is served: the kind of its base, and where its adapter goes."""

    base: Kind
    adapter: str


def choice(code: str) -> Choice:
    """What a program's two lines say; nothing of it is run.

    Raises:
        ToolError: they say nothing that there is.
    """
    said: dict[str, Any] = {}
    try:
        for line in ast.parse(code).body:
            match line:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value))
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value))
                ):
                    said[name] = value
                case _:
                    pass
    except SyntaxError as error:
        raise ToolError(f"line {error.lineno} is not Python: {error.msg}") from None
    kinds: list[Kind] = [kind for kind in KINDS if kind == said.get("base")]
    if not kinds:
        raise ToolError(f"base is one of {', '.join(KINDS)}")
    if said.get("adapter") not in _HOW:
        raise ToolError('adapter is "beside" or "merged"')
    return Choice(kinds[0], said["adapter"])


@cache
def served(chosen: Choice) -> tuple[str, float]:
    """What `connect` takes, and its megabytes; each is made once.

    Merged is what the adapter's file and the base in 16 bits make together, rounded as a whole.
    """
    from agentlab.backends.llamacpp.registry import find, locate

    target = Path(_folder.name) / f"{chosen.base}-{chosen.adapter}.gguf"
    if chosen.adapter == "merged":
        quantize(whole(), target, chosen.base)
        return str(target), target.stat().st_size / 1e6
    (adapter,) = find("local:agent").adapters.values()
    quantize(locate("smollm2"), target, chosen.base)
    return f"{target}+{adapter}", (target.stat().st_size + adapter.stat().st_size) / 1e6


@cache
def whole() -> Path:
    """The agent's adapter and its base as one file, in 16 bits."""
    from agentlab_tools.train.bridge.merge import merge

    return merge("local:agent", Path(_folder.name) / "whole.gguf", name="agent")


@tool
def order_status(
    number: Annotated[str, Field(pattern="^[0-9]{5}$", description="the number of the order")],
) -> str:
    """Look up the status of an order."""
    return f"Order {number} was sent."


@cache
def _known() -> dict[Any, list[str]]:
    return {}


async def calls(chosen: Choice, seed: int) -> tuple[list[str], list[str]]:
    """(orders asked about, the number that each was called with, or what was said instead)."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    orders = ["".join(rng.choice("0123456789") for _ in range(5)) for _ in range(ORDERS)]
    if (chosen, seed) not in _known():
        name, _ = served(chosen)
        model = connect(name, threads=1, n_ctx=512)
        try:
            with tempfile.TemporaryDirectory() as runs:
                agent = Agent(
                    backend=model,
                    tools=[order_status],
                    settings=_STEADY,
                    limits=Limits(steps=1),
                    runs=Path(runs),
                )
                _known()[chosen, seed] = [await _called(agent, order) for order in orders]
        finally:
            await model.aclose()
    return orders, _known()[chosen, seed]


async def _called(agent: Agent, order: str) -> str:
    answer = await agent.run(f"Where is my order {order}?")
    for message in answer.messages:
        for call in message.tool_calls:
            return call.arguments
    return f"no call; it says: {' '.join(answer.text.split())[:60]}"
