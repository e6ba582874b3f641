"""The agent that is asked which machine a model needs, and has the learner's count as its tool."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

from .counting import machine

MODEL = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=48, repeat_penalty=1.0)
_answered: dict[tuple[str, float], str] = {}
"""What it said where a model was counted so. It always says the same, and is asked once."""


async def asked(names: Sequence[str], totals: Mapping[str, float]) -> list[dict[str, Any]]:
    """Ask which machine each model needs.

    Args:
        totals: by the learner's count, the weights of each model.

    Returns:
        What was asked, what it said, and the gigabytes that it named.
    """
    found: list[dict[str, Any]] = []
    model: Backend | None = None
    try:
        for name in names:
            if (name, totals[name]) not in _answered:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _answered[name, totals[name]] = await _answer(model, name, totals)
            said = _answered[name, totals[name]]
            found.append({"asked": question(name), "said": said, "named": named(said)})
    finally:
        if model is not None:
            await model.aclose()
    return found


def question(name: str) -> str:
    """What the agent is asked."""
    return f"How much memory does a machine need to run {name}?"


def named(said: str) -> int | None:
    """The gigabytes in an answer, if it names one number of them."""
    sizes = {
        int(one) for one in re.findall(r"\b(\d{1,3}) ?(?:GB|gigabytes?)\b", said, re.IGNORECASE)
    }
    return sizes.pop() if len(sizes) == 1 else None


async def _answer(model: Backend, name: str, totals: Mapping[str, float]) -> str:
    @tool
    def memory_for(
        model: Annotated[str, Field(description="the model's name", max_length=24)],
    ) -> str:
        """Find the memory that a machine needs to run a model."""
        if model not in totals:
            return f"there is no model {model}"
        size = machine(totals[model])
        return "no machine here holds it" if size is None else f"{size} GB"

    agent = Agent(backend=model, tools=[memory_for], settings=_STEADY, limits=Limits(steps=3))
    return (await agent.run(question(name))).text
