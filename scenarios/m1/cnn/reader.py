"""The agent that is asked about scenes, and has what the learner's finder says as its tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
NAMES = ("A", "B", "C", "D", "E", "F")
"""No numbers: it would take the number of a picture for the digit in it."""
_STEADY = Settings(temperature=0, max_tokens=30)
_answered: dict[tuple[str, str], str] = {}
"""What is said of a scene in which that was found. It always says the same, and is asked once."""


async def asked(scenes: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Ask about each of six or fewer: what is there, "7 at the top left", and what was found.

    Returns:
        What was asked, what is there, what the agent said, and whether that is right.
    """
    found: list[dict[str, Any]] = []
    model: Backend | None = None
    try:
        for name, (there, read) in zip(NAMES, scenes, strict=False):
            if (name, read) not in _answered:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _answered[name, read] = await _answer(model, name, read)
            said = _answered[name, read]
            right = said.rstrip(".").endswith(f" {there}")
            found.append({"asked": _question(name), "there": there, "said": said, "right": right})
    finally:
        if model is not None:
            await model.aclose()
    return found


def _question(name: str) -> str:
    return f"Which digit is in picture {name}, and where?"


async def _answer(model: Backend, name: str, read: str) -> str:
    @tool
    def read_digit(picture: str) -> str:
        """Read the digit in a picture."""
        return read if picture == name else f"there is no picture {picture}"

    agent = Agent(backend=model, tools=[read_digit], settings=_STEADY, limits=Limits(steps=3))
    return (await agent.run(_question(name))).text
