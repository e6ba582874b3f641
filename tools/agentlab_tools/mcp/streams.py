"""A transport's two streams with a sieve between them and the SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentlab_tools.mcp.sieve import Sieve


class Reading:
    """The stream of what comes, through a sieve.

    Args:
        ended: is called when nothing more will come.
    """

    def __init__(self, stream: Any, sieve: Sieve, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._sieve = sieve
        self._ended = ended

    @property
    def last_context(self) -> Any:
        """The context in which the last message was sent, where the transport knows it."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        """The next message."""
        return self._sieve.came(await self._stream.receive())

    async def aclose(self) -> None:
        """Close the stream beneath."""
        await self._stream.aclose()

    def __aiter__(self) -> Reading:
        return self

    async def __anext__(self) -> Any:
        try:
            return self._sieve.came(await self._stream.__anext__())
        except StopAsyncIteration:
            self._ended()
            raise

    async def __aenter__(self) -> Reading:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *how: Any) -> Any:
        return await self._stream.__aexit__(*how)


class Writing:
    """The stream of what is sent, seen by a sieve."""

    def __init__(self, stream: Any, sieve: Sieve) -> None:
        self._stream = stream
        self._sieve = sieve

    async def send(self, item: Any, /) -> None:
        """Send a message."""
        self._sieve.sent(item)
        await self._stream.send(item)

    async def aclose(self) -> None:
        """Close the stream beneath."""
        await self._stream.aclose()

    async def __aenter__(self) -> Writing:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *how: Any) -> Any:
        return await self._stream.__aexit__(*how)
