"""The one way out of a sandbox that may reach a few hosts: an HTTP proxy on the host.

It listens on a Unix socket that is shown inside, where nothing else leads out. It speaks CONNECT
(for HTTPS, or anything in TCP) and plain HTTP, and connects to what is on the list and nothing
else. A name on the list that leads to a private address is refused, so that a name's owner can't
open the host's own network; name the address itself to allow it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from agentlab_tools.execute.plan import Network
from agentlab_tools.hosts import Rule, is_public

_HEAD = 16 * 1024
_PATIENCE = 20.0
_IDLE = 120.0
_AT_ONCE = 64
"""Connections, each with one more to where it leads."""
_WAITING = 16
_LATER = 0.5
_CHUNK = 65536


@asynccontextmanager
async def open_network(hosts: tuple[str, ...]) -> AsyncGenerator[Network | None]:
    """A proxy for these hosts, for as long as the block lasts; None where there are none.

    Raises:
        ConfigError: one of them is not a host.
    """
    rules = tuple(Rule.parse(host) for host in hosts)
    if not rules:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="agentlab-proxy-") as folder:
        path = Path(folder) / "proxy"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.setblocking(False)
            listener.bind(str(path))
            # inside, code runs under another user where the host is root
            os.chmod(path, 0o666)  # noqa: S103, PTH101
            listener.listen(_WAITING)
            proxy = _Proxy(rules)
            accepting = asyncio.create_task(proxy.accept(listener))
            try:
                yield Network(hosts, path)
            finally:
                accepting.cancel()
                await asyncio.gather(accepting, return_exceptions=True)
                await proxy.close()


class Refused(Exception):
    """The status line's rest, and a line for whoever reads the answer."""


class _Proxy:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def accept(self, listener: socket.socket) -> None:
        """Take connections, as many as there is room for: a descriptor of the host each.

        All others wait where they cost the host nothing, in the queue of the socket.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._room.acquire()
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError:  # the host has no descriptor left, whoever took them
                self._room.release()
                await asyncio.sleep(_LATER)
                continue
            except BaseException:
                self._room.release()
                raise
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    async def _serve(self, connection: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=_HEAD)
        except BaseException:
            connection.close()
            raise
        try:
            await self._talk(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        try:
            host, port, opening = _parse(head)
            address = await self._resolve(host, port)
            async with asyncio.timeout(_PATIENCE):
                there, back = await asyncio.open_connection(*address)
        except Refused as error:
            writer.write(f"HTTP/1.1 {error}\r\nConnection: close\r\n\r\n{error}\n".encode())
            await writer.drain()
            return
        except (OSError, TimeoutError):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        try:
            if opening:
                back.write(opening)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            back.close()
            with suppress(OSError):
                await back.wait_closed()

    async def _resolve(self, host: str, port: int) -> tuple[str, int]:
        """The address to connect to, looked up once, so that it can't change in between.

        Raises:
            Refused: the host is not on the list, or is, but leads to a private address.
        """
        rules = [rule for rule in self._rules if rule.allows(host, port)]
        if not rules:
            raise Refused(f"403 {host}:{port} is not a host this sandbox may reach")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_PATIENCE):
            addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        address = str(addresses[0][4][0])
        if not any(rule.exact for rule in rules) and not is_public(address):
            raise Refused(f"403 {host} leads to a private address: allow the address itself")
        return address, port


def _parse(head: bytes) -> tuple[str, int, bytes]:
    """Host, port, and what to open the connection with: nothing for a tunnel.

    Raises:
        Refused: it is no request to a proxy.
    """
    lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = lines[0].split(" ")
        tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if tunnel else target)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise Refused("400 Bad Request") from None
    if not host or (tunnel and port is None) or not (tunnel or parts.scheme == "http"):
        raise Refused("400 Bad Request")
    if tunnel:
        return host, port or 443, b""
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    dropped = ("proxy-", "connection:", "keep-alive:")
    headers = [line for line in lines[1:-2] if not line.lower().startswith(dropped)]
    request = [f"{method} {path} {version}", *headers, "Connection: close", "", ""]
    return host, port or 80, "\r\n".join(request).encode("latin-1")


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while True:
            async with asyncio.timeout(_IDLE):
                data = await source.read(_CHUNK)
            if not data:
                break
            target.write(data)
            await target.drain()
    finally:
        with suppress(OSError):
            target.write_eof()
