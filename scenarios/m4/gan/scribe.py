"""The agent that is asked to write numbers, and has the learner's generator for a pen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=40, repeat_penalty=1.0)
_called: dict[int, str] = {}
"""What it called its tool with for a number. It always calls with the same, and is asked once."""


async def called(numbers: list[int]) -> list[str]:
    """What the agent has written for each number that it is asked for; empty for nothing."""
    model: Backend | None = None
    try:
        for number in numbers:
            if number not in _called:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _called[number] = await _call(model, number)
    finally:
        if model is not None:
            await model.aclose()
    return [_called[number] for number in numbers]


async def _call(model: Backend, number: int) -> str:
    kept = [""]

    @tool
    def write_by_hand(
        number: Annotated[str, Field(description="the digits to write", pattern="^[0-9]{1,6}$")],
    ) -> str:
        """Write a number by hand, as a picture."""
        kept.append(number)
        return "the picture is drawn"

    agent = Agent(backend=model, tools=[write_by_hand], settings=_STEADY, limits=Limits(steps=3))
    await agent.run(f"Write the number {number} by hand.")
    return kept[-1]
