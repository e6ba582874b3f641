"""Async generators that belong to the one block that reads them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable
from typing import Generic, Self, TypeVar

from agentlab.tooling.insisting import insisted

T = TypeVar("T")


class owned(Generic[T]):
    """Read an async generator in a block, and close it as the block is left.

    Unlike with `contextlib.aclosing` the event loop does not know of the generator. A loop that
    shuts down closes every generator it knows, all at the same time, and of two that are nested
    each then finds the other in the middle of closing. Known or not, it is closed by its reader.
    """

    def __init__(self, generator: AsyncIterator[T]) -> None:
        self._generator = generator
        self._begun = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        aclose = getattr(self._generator, "aclose", None)
        # another iterator has nothing to close, and one left behind in its work can't be closed
        if aclose is not None and not getattr(self._generator, "ag_running", False):
            await insisted(aclose())

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[T]:
        if self._begun:
            return self._generator.__anext__()
        self._begun = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return self._generator.__anext__()
        finally:
            sys.set_asyncgen_hooks(*hooks)
