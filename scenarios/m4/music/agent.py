"""The packaged agent, which has the learner's composer for a tool."""

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
_STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)

Call: TypeAlias = tuple[str, int]
"""(key, bars)."""
Compose: TypeAlias = Callable[[str, int], Awaitable[str]]
Ask: TypeAlias = Callable[[str, Compose], Awaitable[tuple[Call | None, str]]]


@asynccontextmanager
async def at_work() -> AsyncGenerator[Ask]:
    """What asks the agent: it returns the first call that was made, and what was said in the end.

    To the same question the agent always makes the same call, and of the same result it says the
    same. Where both are known it is not asked again, and the composer is called all the same.
    """
    models: list[Backend] = []
    async with AsyncExitStack() as stack:

        async def ask(question: str, compose: Compose) -> tuple[Call | None, str]:
            if question in calls:
                result = await _result(compose, *calls[question])
                if (question, result) in said:
                    return calls[question], said[question, result]
            if not models:
                models.append(connect(AGENT, threads=1, n_ctx=1024))
                stack.push_async_callback(models[0].aclose)
            results: list[str] = []

            @tool(timeout=120)
            async def write_chorale(
                key: Annotated[str, Field(description="the key, such as 'A minor'", max_length=30)],
                bars: Annotated[int, Field(description="how many bars", ge=1, le=8)],
            ) -> str:
                """Compose a chorale for four voices."""
                calls.setdefault(question, (key, bars))
                results.append(await _result(compose, key, bars))
                if results[-1].startswith(_FAILED):
                    raise ToolError(results[-1].removeprefix(_FAILED))
                return results[-1]

            with tempfile.TemporaryDirectory() as folder:
                agent = Agent(
                    backend=models[0],
                    tools=[write_chorale],
                    settings=_STEADY,
                    limits=Limits(steps=3),
                    runs=Path(folder),
                )
                answer = await agent.run(question)
            says = " ".join(answer.text.split())[:100]
            if len(results) == 1:
                said[question, results[0]] = says
            return calls.get(question), says

        yield ask


async def _result(compose: Compose, key: str, bars: int) -> str:
    try:
        return await compose(key, bars)
    except ToolError as error:
        return f"{_FAILED}{error}"


_FAILED = "failed: "
calls: dict[str, Call] = {}
said: dict[tuple[str, str], str] = {}
