"""Connections that only go to addresses which were looked up once, and found to be public."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import httpx

from agentlab_tools.hosts import Rule, is_public
from agentlab_tools.web.body import FetchError

_TRIED = 4

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses that the system knows for a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class CheckedTransport(httpx.AsyncBaseTransport):
    """Looks a host up once, checks every address of it, and connects to those very addresses.

    So a name can't lead to one address when it is checked and to another when it is connected to.
    TLS and the Host header are for the name, as ever.

    Args:
        private: hosts that may lead to any address.
        inner: what makes the connection. It must not keep connections for later: they would be
            known by address, and be used for another host at the same one.
    """

    def __init__(
        self, private: Sequence[Rule], inner: httpx.AsyncBaseTransport, resolve: Resolve = look_up
    ) -> None:
        self._private = private
        self._inner = inner
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address that takes a connection.

        Raises:
            FetchError: the host has no address, or one that is not public.
        """
        host = request.url.raw_host.decode("ascii").strip("[]")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await self.addresses(host, port)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_pinned(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_pinned(request, host, addresses[-1]))

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, all checked.

        Raises:
            FetchError: there are none, or one of them is not public.
        """
        try:
            found = list(dict.fromkeys(await self._resolve(host, port)))
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise FetchError(f"there is no host {host}")
        name = host.lower().rstrip(".")
        allowed = any(rule.allows(name, port) for rule in self._private)
        # one private address among public ones is how a name gets past a check of the first
        if not allowed and not all(map(is_public, found)):
            raise FetchError(
                f"{host} is not on the public internet, and such hosts are not fetched from"
            )
        return found[:_TRIED]

    async def aclose(self) -> None:
        """Close what makes the connections."""
        await self._inner.aclose()


def _pinned(request: httpx.Request, host: str, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # among them Host, with the name
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
