"""What the labs' measurements share: a backend that counts, and the library lent without a host."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from agentlab.backend import Backend, Delta, Reply
from agentlab_tools.knowledge.retrieve import Found
from agentlab_tools.open_book import own
from agentlab_tools.open_book.library import retriever


class Counted:
    """A backend that adds up what it is asked.

    Attributes:
        read: the tokens that each call read.
        total: those of all calls, in and out.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.identity = backend.identity
        self.reset()

    def reset(self) -> None:
        """Count from nothing again."""
        self.read: list[int] = []
        self.total = 0

    async def stream(self, *given: Any, **options: Any) -> AsyncIterator[Delta | Reply]:
        """As the backend's."""
        async for item in self.backend.stream(*given, **options):
            if isinstance(item, Reply):
                self.read.append(item.usage.input_tokens)
                self.total += item.usage.total_tokens
            yield item

    async def aclose(self) -> None:
        """Free the model."""
        await self.backend.aclose()


class _AsText:
    """The library, searched for whatever it is sent, as the host does that lends it."""

    def retrieve(self, question: object, k: int = 4) -> list[Found]:
        """As a `Retriever` does."""
        return retriever().retrieve(str(question), k)


def beside(counted: Counted) -> None:
    """Let answers import `own` and `lent` here as they do in the sandbox."""
    module = ModuleType("own")
    exec(own.module(), module.__dict__)  # noqa: S102 - ours
    lent = ModuleType("lent")
    vars(lent).update(index=_AsText(), model=lambda: counted)
    sys.modules.update(own=module, lent=lent)
