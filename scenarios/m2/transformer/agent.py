"""The packaged agent, with the learner's translator for a tool."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agentlab import Agent, tool
from agentlab.backend import Settings
from agentlab.backends import connect
from agentlab.errors import ToolError
from agentlab.limits import Limits

from .dates import Dated

AGENT = "local:agent"
_STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)


async def asked(
    dates: list[Dated], translate: Callable[[str], Awaitable[str | None]]
) -> list[dict[str, Any]]:
    """What the agent called with for each date, what it got, and what it said in the end.

    Args:
        translate: what a text is in Hungarian; None where the tool refuses it.
    """
    kept: list[tuple[str, str | None]] = []

    @tool(timeout=60)
    async def to_hungarian(
        date: Annotated[str, Field(description="the date, as it was written", max_length=40)],
    ) -> str:
        """Translate a date into Hungarian."""
        got = await translate(date)
        kept.append((date, got))
        if got is None:
            raise ToolError("I can't read this date")
        return got

    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        model = connect(AGENT, threads=1, n_ctx=1024)
        try:
            for one in dates:
                kept.clear()
                agent = Agent(
                    backend=model,
                    tools=[to_hungarian],
                    settings=_STEADY,
                    limits=Limits(steps=3),
                    runs=Path(folder),
                )
                answer = await agent.run(f"What is {one.english} in Hungarian?")
                passed, got = kept[-1] if kept else (None, None)
                found.append(
                    {
                        "date": one.english,
                        "passed": passed,
                        "got": got,
                        "right": got in one.hungarian,
                        "says": " ".join(answer.text.split())[:100],
                    }
                )
        finally:
            await model.aclose()
    return found
