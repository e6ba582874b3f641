"""The agent that is asked about pictures, and has the learner's eyes as its tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)


@dataclass(frozen=True)
class Asked:
    """What was asked of which picture, which pictures were looked at, and what was said."""

    question: str
    number: int
    looked: tuple[int, ...]
    said: str


def question(number: int) -> str:
    """As the agent is asked."""
    return f"What is in picture {number}?"


async def asked(numbers: Sequence[int], seen: Mapping[int, str]) -> list[Asked]:
    """Ask about each; `seen` is what the tool says of it."""
    made: list[Asked] = []
    model: Backend = connect(MODEL, threads=1, n_ctx=1024)
    try:
        for number in numbers:
            key = (number, seen[number])
            if key not in _answered:
                _answered[key] = await _answer(model, number, seen)
            made.append(_answered[key])
    finally:
        await model.aclose()
    return made


_answered: dict[tuple[int, str], Asked] = {}
"""It always says the same, and is asked once."""


async def _answer(model: Backend, number: int, seen: Mapping[int, str]) -> Asked:
    looked: list[int] = []

    @tool
    def look(picture: Annotated[int, Field(description="its number", ge=1, le=99)]) -> str:
        """Look at a picture, and tell what is in it."""
        looked.append(picture)
        return seen.get(picture, "There is no such picture.")

    agent = Agent(backend=model, tools=[look], settings=_STEADY, limits=Limits(steps=3))
    said = (await agent.run(question(number))).text
    return Asked(question(number), number, tuple(looked), said)
