"""The way to an MCP server: a program on our stdio with next to no environment, or HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from agentlab.display import one_line
from agentlab.errors import MissingKey
from agentlab_tools.mcp.servers import McpServer

_WARDEN = Path(__file__).with_name("warden.py")
_KEPT = 8192


class Transcript:
    """The end of what a program wrote to stderr."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=_KEPT // 256)

    def add(self, chunk: bytes) -> None:
        """Take in what was read, at most 256 bytes of it."""
        self._chunks.append(chunk[-256:])

    @property
    def last_line(self) -> str:
        """The last line with something on it, safe to show; empty if there is none."""
        lines = b"".join(self._chunks).decode("utf-8", "replace").splitlines()
        return next((one_line(line, 200) for line in reversed(lines) if line.strip()), "")


def transport(
    server: McpServer, said: Transcript, environ: Mapping[str, str]
) -> AbstractAsyncContextManager[Any]:
    """What the SDK's client is to talk through.

    Args:
        said: takes what the program writes to stderr.
        environ: where `pass_env` and `key_env` are looked up.

    Raises:
        MissingKey: the server needs a token, and the variable that should hold it is not set.
    """
    if server.url:
        return _http(server, _headers(server, environ))
    return _stdio(server, said, environ)


def _headers(server: McpServer, environ: Mapping[str, str]) -> dict[str, str]:
    if not server.key_env:
        return dict(server.headers)
    token = environ.get(server.key_env, "").strip()
    if not token:
        raise MissingKey(f"no token for the MCP server {server.name}: set {server.key_env}")
    return {**server.headers, "Authorization": f"Bearer {token}"}


@asynccontextmanager
async def _http(server: McpServer, headers: dict[str, str]) -> AsyncGenerator[Any]:
    import httpx2  # noqa: PLC0415 - heavy
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    # a call's own timeout is the tool's; here only a dead connection is noticed
    timeout = httpx2.Timeout(30.0, read=max(300.0, server.timeout))
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout) as client,
        streamable_http_client(server.url, http_client=client) as streams,
    ):
        yield streams


@asynccontextmanager
async def _stdio(
    server: McpServer, said: Transcript, environ: Mapping[str, str]
) -> AsyncGenerator[Any]:
    from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415

    passed = {name: environ[name] for name in server.pass_env if name in environ}
    command, arguments = server.command[0], server.command[1:]
    if sys.platform != "win32":  # there, a job object ends it with us
        arguments = ("-IS", str(_WARDEN), str(os.getpid()), command, *arguments)
        command = sys.executable
    # besides these it gets what the SDK deems safe: PATH, HOME, USER, LOGNAME, SHELL, TERM
    parameters = StdioServerParameters(
        command=command, args=list(arguments), env={**passed, **server.env}, cwd=server.cwd
    )
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()

    def read() -> None:
        if chunk := os.read(reading, 256):
            said.add(chunk)
        else:
            loop.remove_reader(reading)

    loop.add_reader(reading, read)
    try:
        with os.fdopen(writing, "w") as errors:
            async with stdio_client(parameters, errlog=errors) as streams:
                errors.close()
                yield streams
    finally:
        loop.remove_reader(reading)
        os.close(reading)
