"""Connections for many agents: what a request costs does not depend on how many there are.

The HTTP library's pool looks at every idle connection before each request. That is nothing for ten
agents and half of all processor time for two hundred, so here each connection has a pool to itself,
and the one that came back last goes out first.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

from httpx2 import (
    AsyncBaseTransport,
    AsyncByteStream,
    AsyncHTTPTransport,
    Limits,
    Request,
    Response,
)

_ONE = Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60.0)
"""Tools work for a while between two requests; a connection should outlive that."""


class Connections(AsyncBaseTransport):
    """A transport without a bound on its connections.

    Args:
        certificates: whom to trust.
        keep: how many idle connections to keep open.
    """

    def __init__(self, certificates: ssl.SSLContext, keep: int = 100) -> None:
        self._certificates = certificates
        self._keep = keep
        self._idle: list[AsyncHTTPTransport] = []
        self._busy: set[AsyncHTTPTransport] = set()

    async def handle_async_request(self, request: Request) -> Response:
        """Send the request over an idle connection, or over a new one."""
        line = (
            self._idle.pop()
            if self._idle
            else AsyncHTTPTransport(verify=self._certificates, limits=_ONE)
        )
        self._busy.add(line)
        try:
            response = await line.handle_async_request(request)
        except BaseException:
            await self.give_back(line)
            raise
        assert isinstance(response.stream, AsyncByteStream)
        response.stream = _Lent(response.stream, line, self)
        return response

    async def give_back(self, line: AsyncHTTPTransport) -> None:
        """The line is idle again. Giving one back twice does no harm."""
        if line not in self._busy:
            return
        self._busy.discard(line)
        if len(self._idle) < self._keep:
            self._idle.append(line)
        else:
            await line.aclose()

    async def aclose(self) -> None:
        """Close all connections, in use or not."""
        lines, self._idle, self._busy = [*self._idle, *self._busy], [], set()
        for line in lines:
            await line.aclose()


class _Lent(AsyncByteStream):
    """A response's bytes; when it is closed, its connection is free for the next request."""

    def __init__(
        self, stream: AsyncByteStream, line: AsyncHTTPTransport, owner: Connections
    ) -> None:
        self._stream = stream
        self._line = line
        self._owner = owner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._owner.give_back(self._line)
