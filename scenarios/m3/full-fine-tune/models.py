"""The tuned models: trained when they are first asked for, and what agents with them answer.

Trainings and answers are kept as long as the process runs, since neither changes.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agentlab import Agent, Settings
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.registry import locate
from agentlab.errors import ToolError
from agentlab.limits import Limits
from agentlab_tools.killable import output_of

from . import orders

BASE = "base"
_SCRIPT = Path(__file__).with_name("tune.py")
_SECONDS = 1500.0
"""By the clock, which runs on while others have the processor."""
_HELD = 8
_SETTINGS = Settings(temperature=0, repeat_penalty=1.0, max_tokens=10)


@dataclass(frozen=True)
class Training:
    """How a model is tuned: every weight, or a LoRA of some rank.

    Attributes:
        tickets, talks: orders and plain conversations in a step.
        rate: AdamW's.
        rank: of the LoRA; 0 trains every weight.
    """

    steps: int
    tickets: int
    talks: int
    rate: float
    rank: int = 0


TRAININGS: Mapping[str, Training] = {
    "tickets": Training(steps=6, tickets=4, talks=0, rate=1e-4),
    "rehearsed": Training(steps=6, tickets=4, talks=2, rate=1e-4),
    "lora": Training(steps=6, tickets=4, talks=0, rate=3e-3, rank=8),
}
NAMES = (BASE, *TRAININGS)


async def measured() -> Mapping[str, Mapping[str, Any]]:
    """Each model's loss on orders it never saw, the perplexity of articles, and its file.

    Raises:
        ToolError: the trainings ended before their time.
    """
    async with _one_at_a_time:
        if not _measured:
            plans = {
                name: {
                    "rank": one.rank,
                    "rate": one.rate,
                    "steps": orders.steps(one.steps, one.tickets, one.talks),
                }
                for name, one in TRAININGS.items()
            }
            job = {
                "model": "local:smollm2",
                "trainings": plans,
                "orders": orders.fresh(0, _HELD),
                "articles": orders.articles(),
                "folder": _folder().name,
            }
            try:
                output = await output_of(_SCRIPT, json.dumps(job).encode(), seconds=_SECONDS)
                _measured.update(json.loads(output))
            except (TimeoutError, ValueError):
                raise ToolError("the trainings did not end: is there memory for 4 GB?") from None
    return _measured


async def answers(name: str, texts: Sequence[str]) -> Sequence[str]:
    """What an agent with a model answers to each text, with nothing said before.

    Raises:
        ToolError: as `measured`.
    """
    await measured()
    async with _one_at_a_time:
        new = [text for text in texts if (name, text) not in _answered]
        if new:
            async with _opened(name) as model:
                agent = Agent(backend=model, settings=_SETTINGS, limits=Limits(steps=1))
                for text in new:
                    _answered[name, text] = (await agent.run(text)).text.strip()
    return [_answered[name, text] for text in texts]


@asynccontextmanager
async def _opened(name: str) -> AsyncGenerator[LlamaCpp]:
    """A model as it is served: a whole file, or an adapter on the packaged one."""
    packaged = locate("smollm2")
    if name == BASE:
        model = LlamaCpp(packaged, n_ctx=256)
    elif TRAININGS[name].rank:
        model = LlamaCpp(packaged, n_ctx=256, adapters={name: _measured[name]["file"]})
    else:
        model = LlamaCpp(_measured[name]["file"], n_ctx=256)
    try:
        yield model
    finally:
        await model.aclose()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where the tuned models are, until the process ends."""
    return tempfile.TemporaryDirectory(prefix="tuned-")


_measured: dict[str, Mapping[str, Any]] = {}
_answered: dict[tuple[str, str], str] = {}
_one_at_a_time = asyncio.Lock()
