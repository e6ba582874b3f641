"""The packaged agent, spoken to: a question as sound goes in, an answer as sound comes out."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field

from agentlab import Agent, tool
from agentlab.backend import Backend, Settings
from agentlab.backends import connect
from agentlab.limits import Limits

AGENT = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)

Ask: TypeAlias = Callable[[str, str], Awaitable[tuple[str, str]]]
"""Of a question, and of what the thermometer shows: (the city it measured in, what it said)."""


@asynccontextmanager
async def at_work() -> AsyncGenerator[Ask]:
    """What asks the agent. To the same it always says the same, and is asked once."""
    models: list[Backend] = []
    async with AsyncExitStack() as stack:

        async def ask(question: str, shows: str) -> tuple[str, str]:
            if (question, shows) in _known:
                return _known[question, shows]
            if not models:
                models.append(connect(AGENT, threads=1, n_ctx=1024))
                stack.push_async_callback(models[0].aclose)
            cities: list[str] = []

            @tool
            def temperature(
                city: Annotated[str, Field(description="the city", max_length=30)],
            ) -> str:
                """Measure the temperature in a city, in degrees Celsius."""
                cities.append(city)
                return shows

            with tempfile.TemporaryDirectory() as folder:
                agent = Agent(
                    backend=models[0],
                    tools=[temperature],
                    settings=_STEADY,
                    limits=Limits(steps=3),
                    runs=Path(folder),
                )
                answer = await agent.run(question)
            said = " ".join(answer.text.split())[:120]
            _known[question, shows] = (cities or [""])[0], said
            return _known[question, shows]

        yield ask


_known: dict[tuple[str, str], tuple[str, str]] = {}
