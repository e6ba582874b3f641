"""The tuned model at work: llama.cpp with the adapter on, and a chat template."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from agentlab.backend import Reply, Settings
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.model import Model
from agentlab.backends.llamacpp.registry import locate
from agentlab.messages import Message

from .gemma import MODEL
from .turns import END, Task, is_right, tasks

MOST = 12
"""Tokens after which an answer is cut off; a right one has seven at most."""


@cache
def _words() -> Model:
    return Model(locate(MODEL), words_only=True)


def tokens(text: str) -> list[int]:
    """A text as Gemma's tokens; what looks like a control token stays text."""
    return _words().tokens(text)


@dataclass(frozen=True)
class Talk:
    """A task, what was written, and whether the model ended its turn itself."""

    task: Task
    wrote: str
    ids: tuple[int, ...]

    @property
    def ended(self) -> bool:
        """Whether the model ended its turn itself."""
        return bool(self.ids) and self.ids[-1] == END

    @property
    def right(self) -> bool:
        """Whether it is the right answer, nothing else, and ended."""
        return self.ended and is_right(self.wrote, self.task.answer)


@asynccontextmanager
async def served(template: str, adapter: Path | None) -> AsyncGenerator[LlamaCpp]:
    """The model with a chat template, and an adapter or none.

    Raises:
        ConfigError: the template can't be compiled.
    """
    adapters = {} if adapter is None else {"mine": adapter}
    model = LlamaCpp(locate(MODEL), n_ctx=512, template=template, adapters=adapters)
    try:
        yield model
    finally:
        await model.aclose()


async def talk(model: LlamaCpp, task: Task) -> Talk:
    """The likeliest answer to a task."""
    settings = Settings(temperature=0, repeat_penalty=1.0, max_tokens=MOST)
    async for item in model.stream([Message.user(task.question)], settings=settings):
        if isinstance(item, Reply):
            return Talk(task, item.message.text, item.token_ids)
    raise AssertionError("a backend ends with a reply")


async def read(model: LlamaCpp, texts: Sequence[str]) -> list[int]:
    """The tokens of a conversation as the model reads it; its turns are the user's first."""
    roles = ("user", "assistant")
    turns = [
        Message.user(text) if roles[n % 2] == "user" else Message.assistant(text)
        for n, text in enumerate(texts)
    ]
    return [token.id for token in await model.prompt(turns)]


def some(seed: int, count: int) -> list[Task]:
    """Tasks, as many of each kind, no country twice."""
    dice = Random(seed)  # noqa: S311 - the seed is the point
    kinds = list(dict.fromkeys(task.kind for task in tasks()))
    by_kind = {kind: [task for task in tasks() if task.kind == kind] for kind in kinds}
    places = dice.sample(range(len(by_kind[kinds[0]])), count)
    return [by_kind[kinds[n % len(kinds)]][place] for n, place in enumerate(places)]
