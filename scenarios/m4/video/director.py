"""The agent that is told what a film is to show, shot by shot, and has the net for a camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agentlab.agent import Agent
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits
from agentlab.tooling import tool

MODEL = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=50, repeat_penalty=1.0)

Motion: TypeAlias = Literal["left", "right", "up", "down", "bounce", "circle"]
Call: TypeAlias = tuple[int, str]
"""(digit, motion)."""
_called: dict[str, Call | None] = {}
"""What it called its camera with. To the same words it always says the same, and is asked once."""


async def called(requests: Sequence[str]) -> list[Call | None]:
    """How the agent calls its camera at each request; None where it does not."""
    model: Backend | None = None
    try:
        for request in requests:
            if request not in _called:
                model = model or connect(MODEL, threads=1, n_ctx=1024)
                _called[request] = await _call(model, request)
    finally:
        if model is not None:
            await model.aclose()
    return [_called[request] for request in requests]


async def _call(model: Backend, request: str) -> Call | None:
    kept: list[Call] = []

    @tool
    def shoot_film(
        digit: Annotated[int, Field(description="the digit that is seen", ge=0, le=9)],
        motion: Annotated[Motion, Field(description="how it moves")],
    ) -> str:
        """Shoot a short film of a digit that moves."""
        kept.append((digit, motion))
        return "the film is shot"

    agent = Agent(backend=model, tools=[shoot_film], settings=_STEADY, limits=Limits(steps=3))
    await agent.run(request)
    return kept[0] if kept else None
