"""The way to an MCP server: a program on our stdio with next to no environment, or HTTP."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentlab.display import one_line
from agentlab.errors import MissingKey
from agentlab_tools.mcp.link import Link, watched
from agentlab_tools.mcp.servers import McpServer
from agentlab_tools.mcp.sieve import Sieve
from agentlab_tools.mcp.streams import Reading, Writing

_LEASH = Path(__file__).with_name("leash.py")
_KEPT = 16 << 10
_ERROR = re.compile(
    r"[\s|+]*(?:[\w.]*(?:Error|Exception|Exit)\b|(?:uncaught|unhandled|error|fatal|panic|critical)\b)",
    re.IGNORECASE,
)


class Transcript:
    """The end of what a program wrote to stderr."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=_KEPT // 256)

    def add(self, chunk: bytes) -> None:
        """Take in what was read, at most 256 bytes of it."""
        self._chunks.append(chunk[-256:])

    @property
    def error(self) -> str:
        """The line that says what went wrong, or else the last; safe to show, or empty."""
        text = b"".join(self._chunks).decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR.match(line)]
        if errors:  # Python names the error last, under its traceback; others name it first
            return one_line(errors[-1 if "Traceback (most recent call last)" in text else 0], 200)
        return one_line(lines[-1], 200) if lines else ""


@asynccontextmanager
async def transport(
    server: McpServer,
    stderr: Transcript,
    link: Link,
    sieve: Sieve,
    environ: Mapping[str, str],
    *,
    ended: Callable[[], None],
) -> AsyncGenerator[Any]:
    """What the SDK's client is to talk through.

    Args:
        stderr: takes what the program writes to stderr.
        link: takes what goes wrong on HTTP, and says which of its two ways to speak.
        sieve: sees every message.
        environ: where `pass_env` and `key_env` are looked up.
        ended: is called when nothing more will come.

    Raises:
        MissingKey: the server needs a token, and the variable that should hold it is not set.
    """
    way = _http(server, link, environ) if server.url else _stdio(server, stderr, environ)
    async with way as (reading, writing):
        yield Reading(reading, sieve, ended), Writing(writing, sieve)


def _headers(server: McpServer, environ: Mapping[str, str]) -> dict[str, str]:
    if not server.key_env:
        return dict(server.headers)
    token = environ.get(server.key_env, "").strip()
    if not token:
        raise MissingKey(f"no token for the MCP server {server.name}: set {server.key_env}")
    return {**server.headers, "Authorization": f"Bearer {token}"}


@asynccontextmanager
async def _http(server: McpServer, link: Link, environ: Mapping[str, str]) -> AsyncGenerator[Any]:
    import httpx2
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client

    own_headers = _headers(server, environ)
    # a call's own timeout is the tool's; here only a dead connection is noticed
    patience = max(300.0, server.timeout)

    def client(
        headers: dict[str, str] | None = None, timeout: object = None, auth: object = None
    ) -> httpx2.AsyncClient:
        del timeout, auth  # ours count, for both ways to speak
        return httpx2.AsyncClient(
            headers={**(headers or {}), **own_headers},
            timeout=httpx2.Timeout(30.0, read=patience),
            transport=watched(link),
        )

    if link.old_way:
        old: Any = sse_client(server.url, sse_read_timeout=patience, httpx_client_factory=client)
        async with old as streams:
            yield streams
        return
    async with client() as used, streamable_http_client(server.url, http_client=used) as streams:
        yield streams


@asynccontextmanager
async def _stdio(
    server: McpServer, stderr: Transcript, environ: Mapping[str, str]
) -> AsyncGenerator[Any]:
    from mcp.client.stdio import StdioServerParameters, stdio_client

    passed = {name: environ[name] for name in server.pass_env if name in environ}
    command, arguments = server.command[0], server.command[1:]
    if sys.platform != "win32":  # there, a job object ends it with us
        arguments = ("-IS", str(_LEASH), str(os.getpid()), command, *arguments)
        command = sys.executable
    # besides these it gets what the SDK deems safe: PATH, HOME, USER, LOGNAME, SHELL, TERM
    parameters = StdioServerParameters(
        command=command,
        args=list(arguments),
        env={**passed, **server.env},
        cwd=server.cwd,
        encoding_error_handler="replace",  # a byte out of place loses a letter, not the server
    )
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()

    def read() -> None:
        if chunk := os.read(reading, 256):
            stderr.add(chunk)
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
