"""The tools of an MCP server, as a list that the server may change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, overload

from agentlab.errors import AgentLabError
from agentlab.tooling import Tool
from agentlab_tools.mcp.servers import McpServer

_LOG = logging.getLogger("agentlab.mcp")
_NOTES = 20


class McpError(AgentLabError):
    """An MCP server can't be started, reached or understood."""


class McpTools(Sequence[Tool[Any]]):
    """The tools of a server, in its order. An agent keeps those it was made with.

    Attributes:
        server: whose they are.
        about: the server's own name and version.
        changes: how often the list has changed since the start; `refreshed` waits for it.
        notes: what of the server was left out or could not be read, a line each.
    """

    def __init__(self, server: McpServer) -> None:
        self.server = server
        self.about = server.name
        self.changes = 0
        self.notes: tuple[str, ...] = ()
        self._tools: tuple[Tool[Any], ...] = ()
        self._changed = asyncio.Condition()

    @overload
    def __getitem__(self, index: int) -> Tool[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Tool[Any], ...]: ...
    def __getitem__(self, index: int | slice) -> Tool[Any] | tuple[Tool[Any], ...]:
        return self._tools[index]

    def __len__(self) -> int:
        return len(self._tools)

    async def refreshed(self, changes: int) -> None:
        """Wait until the list has changed more often than `changes`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.changes > changes)

    async def take(self, tools: tuple[Tool[Any], ...]) -> None:
        """Put the server's new list in place of the old."""
        async with self._changed:
            self.changes += bool(self._tools)
            self._tools = tools
            self._changed.notify_all()

    def note(self, what: str) -> None:
        """Say once what of the server was left out or could not be read, and keep it."""
        line = f"the MCP server {self.server.name} {what}"
        if line in self.notes or len(self.notes) > _NOTES:
            return
        if len(self.notes) == _NOTES:
            line = f"the MCP server {self.server.name} has more wrong with it than is said here"
        self.notes = (*self.notes, line)
        _LOG.warning("%s", line)
