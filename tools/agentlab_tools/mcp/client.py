"""A connection to one MCP server, and its tools as ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from agentlab.approval import Filler
from agentlab.backend import Backend
from agentlab_tools.mcp.answering import Answering
from agentlab_tools.mcp.keeper import Keeper
from agentlab_tools.mcp.offer import McpError, McpTools
from agentlab_tools.mcp.servers import McpServer

__all__ = ["McpError", "McpTools", "mcp_tools"]

_END = 10.0


@asynccontextmanager
async def mcp_tools(
    server: str | McpServer,
    *,
    environ: Mapping[str, str] | None = None,
    fill: Filler | None = None,
    model: Backend | None = None,
) -> AsyncGenerator[McpTools]:
    """The tools of a server, for as long as the block lasts; then the server is ended.

    Args:
        server: a description, an address, or a command as one would type it.
        environ: where the variables that `server` names are looked up, if not in our own.
        fill: who fills in forms that the server shows; whoever answers for the person in a run
            (its `approver`) where not given.
        model: who writes for the server where it asks for that; stays open. Nobody does where
            neither this nor a `model` in the server's description is given.

    Raises:
        McpError: it can't be started, reached or understood.
        MissingExtra: the MCP SDK is not installed.
        ConfigError: the text is neither an address nor a command, or a token is missing.
    """
    described = McpServer.parse(server) if isinstance(server, str) else server
    tools = McpTools(described)
    answering = Answering(described, fill, model)
    keeper = Keeper(tools, os.environ if environ is None else environ, answering)
    task = asyncio.create_task(keeper.keep(), name=f"mcp {described.name}")
    try:
        try:
            await keeper.started(task)
        except BaseException:
            task.cancel()  # it may be waiting for an answer that never comes
            raise
        yield tools
    finally:
        keeper.stop.set()
        await _ended(task)
        await answering.aclose()


async def _ended(task: asyncio.Task[None]) -> None:
    """Wait for the end, and see it through even where the waiting itself is cancelled."""
    try:
        await asyncio.shield(asyncio.wait({task}, timeout=_END))
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_END)
        raise
    finally:
        if not task.done():
            task.cancel()
        elif not task.cancelled():
            task.exception()  # told at the start, or in the results of calls
