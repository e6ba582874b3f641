"""The agent that is asked for pictures, and has the learner's search as its tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

from .kinds import Request

MODEL = "local:agent"
TOLD = 4
"""How many of the pictures found the agent is told of, by their names."""
_STEADY = Settings(temperature=0, max_tokens=80)
_answered: dict[tuple[str, tuple[str, ...]], tuple[list[list[str]], str]] = {}
"""What it called for and said, by what it was asked and what was found. It always says the same."""


async def asked(found: Mapping[Request, Sequence[str]], each: Sequence[Request]) -> list[Any]:
    """Ask for some of the requests; what the tool finds is known for all of them.

    Returns:
        What was asked, what the tool was called with, what it found, and what the agent said.
    """
    told: list[dict[str, Any]] = []
    model: Backend | None = None
    try:
        for request in each:
            names = tuple(found[request][:TOLD])
            if (request.question(), names) not in _answered:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _answered[request.question(), names] = await _answer(model, request, found)
            calls, said = _answered[request.question(), names]
            told.append(
                {
                    "asked": request.question(),
                    "called": calls,
                    "wanted": [request.wanted, request.unwanted],
                    "found": list(names),
                    "said": said,
                }
            )
    finally:
        if model is not None:
            await model.aclose()
    return told


async def _answer(
    model: Backend, request: Request, found: Mapping[Request, Sequence[str]]
) -> tuple[list[list[str]], str]:
    calls: list[list[str]] = []

    @tool
    def find_pictures(wanted: str, unwanted: str = "") -> str:
        """Find pictures by what they show.

        Args:
            wanted: what they show.
            unwanted: what they must not show.
        """
        calls.append([wanted, unwanted])
        return ", ".join(found.get(Request(wanted, unwanted), ("nothing",))[:TOLD])

    agent = Agent(backend=model, tools=[find_pictures], settings=_STEADY, limits=Limits(steps=3))
    return calls, (await agent.run(request.question())).text
