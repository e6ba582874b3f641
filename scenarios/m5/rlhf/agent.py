"""The packaged agent, which has the learner's reward model for a tool."""

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
from agentlab.errors import ToolError
from agentlab.limits import Limits

AGENT = "local:agent"
PIECES = 100
"""Numbered pieces that it can be asked about."""
_STEADY = Settings(temperature=0, max_tokens=40, repeat_penalty=1.0)

Pair: TypeAlias = tuple[int, int]
Better: TypeAlias = Callable[[int, int], int]
"""Of two pieces, by number, the one to be preferred."""
Ask: TypeAlias = Callable[[str, Better], Awaitable[tuple[Pair | None, str]]]

calls: dict[str, Pair] = {}
said: dict[tuple[str, int], str] = {}


@asynccontextmanager
async def at_work() -> AsyncGenerator[Ask]:
    """What asks the agent: it returns the first call that was made, and what was said in the end.

    To the same question the agent always makes the same call, and of the same result it says the
    same. Where both are known it is not asked again, and the reward model is used all the same.
    """
    models: list[Backend] = []
    async with AsyncExitStack() as stack:

        async def ask(question: str, better: Better) -> tuple[Pair | None, str]:
            if question in calls:
                chosen = better(*calls[question])
                if (question, chosen) in said:
                    return calls[question], said[question, chosen]
            if not models:
                models.append(connect(AGENT, threads=1, n_ctx=1024))
                stack.push_async_callback(models[0].aclose)
            results: list[int] = []

            @tool(timeout=120)
            async def compare_pieces(
                first: Annotated[int, Field(description="number of a piece", ge=0, lt=PIECES)],
                second: Annotated[int, Field(description="number of another", ge=0, lt=PIECES)],
            ) -> str:
                """Compare two pieces of music: which one people would rather hear."""
                if first == second:
                    raise ToolError("these are the same")
                calls.setdefault(question, (first, second))
                results.append(better(first, second))
                return f"people would rather hear piece {results[-1]}"

            with tempfile.TemporaryDirectory() as folder:
                agent = Agent(
                    backend=models[0],
                    tools=[compare_pieces],
                    settings=_STEADY,
                    limits=Limits(steps=3),
                    runs=Path(folder),
                )
                answer = await agent.run(question)
            says = " ".join(answer.text.split())[:100]
            if results:
                said[question, results[0]] = says
            return calls.get(question), says

        yield ask
