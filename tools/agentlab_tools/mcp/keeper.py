"""Holds the connection to an MCP server, and makes a new one when the server was started anew.

The connection lives in a task of its own, from the block's beginning to its end, so it does not
matter which tasks use it, are cancelled in the middle of a call, or close it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, cast

from agentlab.display import one_line
from agentlab.errors import AgentLabError, MissingExtra, ToolError
from agentlab.tooling import Tool, ToolContext
from agentlab_tools.mcp.answering import Answering
from agentlab_tools.mcp.connect import Transcript, transport
from agentlab_tools.mcp.convert import answer_from, resource_from, tool_from
from agentlab_tools.mcp.link import FATE, Fate, Link
from agentlab_tools.mcp.listing import listed_by
from agentlab_tools.mcp.names import Names
from agentlab_tools.mcp.offer import McpError, McpTools
from agentlab_tools.mcp.resources import MAX_LINKS, has_resources, reader
from agentlab_tools.mcp.sieve import Sieve

_AGAIN = 15.0
_SETTLE = 5.0
_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_VAGUE = (
    "Connection closed",
    "Server returned an error response",
    "Not Found",
    "Session terminated",
)


class Keeper:
    """Keeps one server's connection; `keep` is its task.

    Attributes:
        stop: set to end it.
    """

    def __init__(self, tools: McpTools, environ: Mapping[str, str], answering: Answering) -> None:
        self.stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._stale = asyncio.Event()
        self._lost = asyncio.Event()
        self._up = asyncio.Event()
        self._wanted = asyncio.Event()
        self._failed = asyncio.Event()
        self._tools = tools
        self._server = tools.server
        self._environ = environ
        self._answering = answering
        self._said = Transcript()
        self._link = Link()
        self._client: Any = None
        self._reads_links = False
        self._under_way = 0

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
        raise self._problem("does not work", error) from error

    def _problem(self, what: str, error: BaseException | None = None) -> McpError:
        """An error that says what the server said: in the protocol, by HTTP, or on stderr."""
        reason = one_line(_told(error), 300) if error else ""
        clear = "" if reason.startswith(_VAGUE) else reason
        why = (
            (clear if _is_answer(error) else "") or self._link.trouble or self._said.error or reason
        )
        return McpError(f"the MCP server {self._server.name} {what}{f': {why}' if why else ''}")

    async def keep(self) -> None:
        """Connect, list, and hold the connection until told to stop."""
        try:
            import_module("mcp")  # heavy, and only needed here
        except ModuleNotFoundError as error:
            raise MissingExtra("the MCP SDK", "knowledge") from error
        # what it would print of a server's noise is told in one line, by `McpTools.note`
        if not (log := logging.getLogger("mcp")).handlers:
            log.addHandler(logging.NullHandler())
        pause = _PAUSE
        while not self.stop.is_set():
            self._wanted.clear()
            try:
                await self._connection()
                pause = _PAUSE
            except Exception as error:
                if not self._ready.is_set():
                    if self._link.may_be_old:
                        self._link.old_way = True
                        continue
                    if isinstance(first := _first(error), AgentLabError):
                        raise first from None
                    raise self._problem("does not work", error) from error
                self._failed.set()
            finally:
                self._up.clear()
            if self._server.url:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                await self._missed()

    async def _missed(self) -> None:
        """Wait until a call needs the program that has ended; then it is started again."""
        await _any_of(self.stop, self._wanted)
        if not self.stop.is_set():
            last = self._said.error
            self._tools.note(f"has ended and is started again{f': {last}' if last else ''}")
            self._said = Transcript()

    async def _connection(self) -> None:
        from mcp import Client

        sieve = Sieve(self._tools.note)
        way = transport(
            self._server, self._said, self._link, sieve, self._environ, ended=self._drop
        )
        callbacks = self._answering.callbacks()
        async with Client(
            cast(Any, way), message_handler=self._heard, cache=None, **callbacks
        ) as client:
            if info := client.server_info:
                self._tools.about = one_line(f"{info.name} {info.version or ''}", 80)
            self._client = client
            self._lost.clear()
            if not self._ready.is_set():
                await self._list(client)
                if self._link.old_way:
                    self._tools.note("speaks an older way of HTTP (SSE): it may have one at /mcp")
                self._ready.set()
            else:
                self._stale.set()
            self._up.set()
            self._link.trouble = ""
            listening = asyncio.create_task(self._listen(client))
            try:
                await self._serve(client)
                await self._settled()
            finally:
                self._up.clear()
                listening.cancel()
                await asyncio.wait({listening})

    async def _serve(self, client: Any) -> None:
        """Take up changed lists, until told to stop or until the connection is of no use."""
        events = (self.stop, self._stale, self._lost)
        while not (self.stop.is_set() or self._lost.is_set()):
            await _any_of(*events)
            if self._stale.is_set():
                self._stale.clear()
                with suppress(Exception):  # the old list stands, and its calls say what is wrong
                    await self._list(client)

    async def _settled(self) -> None:
        """Wait for the calls under way, which may each be refused in the server's own words."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE):
                while self._under_way and not self.stop.is_set():  # noqa: ASYNC110 - a few ms
                    await asyncio.sleep(0.02)

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
        tools: list[Tool[Any]] = []
        names, server = Names(), self._server
        for one in await listed_by(client, self._tools):
            name = names.give(f"{server.prefix}{one.name}")
            tools.append(tool_from(one, name, self._call, server.timeout, self._tools.note))
            await asyncio.sleep(0)  # a long list is no reason to hold up everything else
        self._reads_links = await has_resources(client)
        if self._reads_links and (not server.tools or "read_resource" in server.tools):
            name = names.give(f"{server.prefix}read_resource")
            tools.append(reader(server, name, self._read))
        await self._tools.take(tuple(tools))

    async def _call(self, name: str, arguments: dict[str, Any], context: ToolContext) -> str:
        async def progress(done: float, total: float | None, message: str | None) -> None:
            share = f"{done:g}" if total is None else f"{done:g} of {total:g}"
            context.emit(f"{message or share}\n")

        def ask(client: Any) -> Awaitable[Any]:
            return client.call_tool(name, arguments, progress_callback=progress)

        with self._answering.during(context):
            result = await self._asked(ask)
        answer = answer_from(result, context)
        if self._reads_links or self._client.server_capabilities.resources is None:
            return answer  # a link is read by its own tool, or not at all
        links = [part for part in result.content if part.type == "resource_link"][:MAX_LINKS]
        for link in links:
            with suppress(ToolError):
                answer += "\n" + await self._read(str(link.uri), context)
        return answer

    async def _read(self, uri: str, context: ToolContext) -> str:
        return resource_from(await self._asked(lambda client: client.read_resource(uri)), context)

    async def _asked(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """What the server answers; asked again where it was started anew and had not listened.

        Raises:
            ToolError: it does not answer.
        """
        for last in (False, True):
            client = await self._connected()
            fate = Fate()
            before = FATE.set(fate)
            try:
                self._under_way += 1
                return await ask(client)
            except ToolError:
                raise
            except Exception as error:
                if self._server.url and not last and fate.undone and _is_vague(error, fate):
                    if client is self._client:
                        self._drop()
                    continue
                raise ToolError(self._failure(error)) from error
            finally:
                self._under_way -= 1
                FATE.reset(before)
        raise AssertionError("the last time returns or raises")

    def _drop(self) -> None:
        """Let go of the connection; one by HTTP is made anew."""
        self._up.clear()
        self._lost.set()

    async def _connected(self) -> Any:
        """The connection; one that was lost is waited for, and a program started again for it.

        Raises:
            ToolError: there is none any more.
        """
        if not self.stop.is_set() and not self._up.is_set():
            self._wanted.set()
            self._failed.clear()
            ways = (self._up,) if self._server.url else (self._up, self._failed, self.stop)
            patience = _AGAIN if self._server.url else self._server.start_timeout
            with suppress(TimeoutError):
                await asyncio.wait_for(_any_of(*ways), patience)
            if not self._up.is_set():
                why = self._link.trouble or self._said.error or "it does not answer"
                raise ToolError(f"the MCP server {self._server.name} is not there: {why}")
        return self._client

    def _failure(self, error: Exception) -> str:
        name, reason = self._server.name, one_line(_told(error), 500)
        if self.stop.is_set():
            return f"the MCP server {name} was closed"
        if not reason.startswith(_VAGUE):
            return f"{name}: {reason}"
        if self._server.url:
            why = self._link.trouble or reason
            return f"{name}: {why}; whether the call was carried out is not known"
        last = self._said.error
        ended = f"the MCP server {name} has ended{f': {last}' if last else ''}"
        return f"{ended}; whether the call was carried out is not known; the next starts it again"


async def _any_of(*events: asyncio.Event) -> None:
    """Wait for the first of these."""
    waits = {asyncio.create_task(event.wait()) for event in events}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _told(error: BaseException) -> str:
    first = _first(error)
    return str(first) or type(first).__name__


def _is_answer(error: BaseException | None) -> bool:
    """Whether the server itself said what is wrong, in the words of the protocol."""
    from mcp import MCPError

    return error is not None and isinstance(_first(error), MCPError)


def _is_vague(error: BaseException, fate: Fate) -> bool:
    """Whether the connection is to blame, and not the call."""
    return fate.refused or _told(error).startswith(_VAGUE)
