"""A connection to one MCP server, and its tools as ours.

The connection lives in a task of its own, from the block's beginning to its end, so it does not
matter which tasks use it, are cancelled in the middle of a call, or close it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast, overload

from agentlab.display import one_line
from agentlab.errors import AgentLabError, MissingExtra, ToolError
from agentlab.tooling import Tool, ToolContext
from agentlab_tools.mcp.connect import Transcript, transport
from agentlab_tools.mcp.convert import answer_from, names_for, tool_from
from agentlab_tools.mcp.servers import McpServer

_PAGES = 50
_END = 10.0


class McpError(AgentLabError):
    """An MCP server can't be started, reached or understood."""


class McpTools(Sequence[Tool[Any]]):
    """The tools of a server, in its order. An agent keeps those it was made with.

    Attributes:
        server: whose they are.
        about: the server's own name and version.
        changes: how often the list has changed since the start; `refreshed` waits for it.
    """

    def __init__(self, server: McpServer) -> None:
        self.server = server
        self.about = server.name
        self.changes = 0
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


@asynccontextmanager
async def mcp_tools(
    server: str | McpServer, *, environ: Mapping[str, str] | None = None
) -> AsyncGenerator[McpTools]:
    """The tools of a server, for as long as the block lasts; then the server is ended.

    Args:
        server: a description, an address, or a command as one would type it.
        environ: where the variables that `server` names are looked up, if not in our own.

    Raises:
        McpError: it can't be started, reached or understood.
        MissingExtra: the MCP SDK is not installed.
        ConfigError: the text is neither an address nor a command, or a token is missing.
    """
    described = McpServer.parse(server) if isinstance(server, str) else server
    tools = McpTools(described)
    keeper = _Keeper(tools, os.environ if environ is None else environ)
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


class _Keeper:
    def __init__(self, tools: McpTools, environ: Mapping[str, str]) -> None:
        self.stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._stale = asyncio.Event()
        self._tools = tools
        self._server = tools.server
        self._environ = environ
        self._said = Transcript()

    async def started(self, task: asyncio.Task[None]) -> None:
        """Wait until there are tools.

        Raises:
            McpError, ConfigError: there will be none.
        """
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait(
                {task, ready},
                timeout=self._server.start_timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ready.cancel()
        if self._ready.is_set():
            return
        if not task.done():
            raise self._problem(f"did not answer within {self._server.start_timeout:g} seconds")
        error = task.exception()
        if isinstance(error, AgentLabError):
            raise error
        raise self._problem("does not work") from error

    def _problem(self, what: str, error: BaseException | None = None) -> McpError:
        why = self._said.last_line or (one_line(_told(error), 300) if error else "")
        return McpError(f"the MCP server {self._server.name} {what}{f': {why}' if why else ''}")

    async def keep(self) -> None:
        """Connect, list, and hold the connection until told to stop."""
        try:
            from mcp import Client  # noqa: PLC0415 - heavy, and only needed here
        except ModuleNotFoundError as error:
            raise MissingExtra("the MCP SDK", "knowledge") from error
        way = transport(self._server, self._said, self._environ)
        client: Any = Client(way, message_handler=self._heard, cache=None)
        try:
            async with client:
                info = client.server_info
                self._tools.about = one_line(f"{info.name} {info.version or ''}", 80)
                await self._list(client)
                self._ready.set()
                listening = asyncio.create_task(self._listen(client))
                try:
                    await self._serve(client)
                finally:
                    listening.cancel()
                    await asyncio.wait({listening})
        except Exception as error:
            if self._ready.is_set():
                return  # calls have been told
            raise self._problem("does not work", error) from error

    async def _serve(self, client: Any) -> None:
        while not self.stop.is_set():
            waits = {asyncio.create_task(self.stop.wait()), asyncio.create_task(self._stale.wait())}
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if self._stale.is_set():
                self._stale.clear()
                with suppress(Exception):  # the old list stands, and its calls say what is wrong
                    await self._list(client)

    async def _listen(self, client: Any) -> None:
        """Hear of changes where the protocol has a subscription for that (2026-07-28)."""
        with suppress(Exception):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._stale.set()

    async def _heard(self, message: object) -> None:
        """Hear of changes where the protocol sends a notification for that (to 2025-11-25)."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._stale.set()

    async def _list(self, client: Any) -> None:
        listed: list[Any] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            listed += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        wanted = self._server.tools
        if missing := set(wanted) - {one.name for one in listed}:
            raise McpError(f"the MCP server {self._server.name} has no tool {missing.pop()!r}")
        chosen = [one for one in listed if not wanted or one.name in wanted]
        names = names_for((one.name for one in chosen), self._server.prefix)

        async def call(name: str, arguments: dict[str, Any], context: ToolContext) -> str:
            return await self._call(client, name, arguments, context)

        tools = (tool_from(one, names[one.name], call, self._server.timeout) for one in chosen)
        await self._tools.take(tuple(tools))

    async def _call(
        self, client: Any, name: str, arguments: dict[str, Any], context: ToolContext
    ) -> str:
        async def progress(done: float, total: float | None, message: str | None) -> None:
            share = f"{done:g}" if total is None else f"{done:g} of {total:g}"
            context.emit(f"{message or share}\n")

        try:
            result = await client.call_tool(name, arguments, progress_callback=progress)
        except ToolError:
            raise
        except Exception as error:
            if self.stop.is_set():
                raise ToolError(f"the MCP server {self._server.name} was closed") from error
            raise ToolError(f"{self._server.name}: {one_line(_told(error), 500)}") from error
        return answer_from(result, context)


def _told(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return str(error) or type(error).__name__
