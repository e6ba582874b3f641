"""Our tools for other programs: an MCP server on stdio, or over HTTP on loopback."""

from __future__ import annotations

import asyncio
import hmac
import socket
import warnings
from collections.abc import Awaitable, Callable, Collection, Sequence
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from agentlab.approval import Form
from agentlab.display import one_line
from agentlab.errors import ConfigError
from agentlab.messages import ToolCall, ToolResult
from agentlab.plugins.equipment import Equipment
from agentlab.tooling import Tool, ToolContext
from agentlab_tools.mcp.answers import answered, content_of, output_schema
from agentlab_tools.mcp.prompts import Prompts
from agentlab_tools.mcp.questions import OpenCall, OpenCalls, can_ask
from agentlab_tools.mcp.report import Reporter
from agentlab_tools.mcp.shelf import Shelf
from agentlab_tools.mcp.watching import Watching

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

_AT_ONCE = 8
INSTRUCTIONS = "Tools of AgentLab. What web pages and files say comes marked as quoted."
_App = Callable[[Any, Any, Any], Awaitable[None]]


def server_of(
    tools: Sequence[Tool[Any]],
    equipment: Equipment,
    shelf: Shelf | None = None,
    prompts: Prompts | None = None,
    ask: Collection[str] = (),
) -> Server[Any]:
    """An MCP server that offers these tools; at most eight calls are made at once.

    Files that a tool made can be read again at their addresses, and what is on the `shelf`; clients
    are told when that changes, if they ask for it.

    A tool may ask the person behind a client (`ToolContext.ask`), where the client can show forms.
    Calls of the tools in `ask` are not made before that person has allowed it.

    What a tool emits while it works goes to the client as progress, where that was asked for, and
    as a log message at level `info`; a failed call is logged at `warning`.
    """
    from mcp import types
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

    shelf = shelf or Shelf()
    watching = Watching(shelf)
    by_name = {tool.name: tool for tool in tools}
    room, numbers, open_calls = asyncio.Semaphore(_AT_ONCE), count(), OpenCalls()
    levels: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    async def list_tools(_context: Any, _page: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=dict(tool.spec.parameters),
                    output_schema=output_schema(tool),
                    annotations=types.ToolAnnotations(read_only_hint=tool.read_only),
                )
                for tool in tools
            ]
        )

    async def call_tool(
        context: Any, asked: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        going_on = open_calls.again(context, asked)
        if going_on is not None:
            return await open_calls.end(going_on)
        tool = by_name.get(asked.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {asked.name}")
        from pydantic_core import to_json

        arguments = to_json(asked.arguments or {}).decode()
        call = ToolCall(id=f"mcp_{next(numbers)}", name=tool.name, arguments=arguments)
        opened = OpenCall(context)
        opened.task = asyncio.create_task(made(opened, tool, call), name=call.id)
        return await open_calls.end(opened)

    async def made(opened: OpenCall, tool: Tool[Any], call: ToolCall) -> types.CallToolResult:
        context = opened.context
        level = levels.get(context.session._connection, "debug")
        fill = opened.fill if can_ask(context) else None
        async with room, Reporter(context, tool.name, level) as reporter:
            tool_context = ToolContext(
                call_id=call.id, deps=equipment.deps, emit=reporter.emit, fill=fill
            )
            if tool.name in ask and (why := await _forbidden(tool_context, call)):
                result, structured = ToolResult(call_id=call.id, content=why, error="denied"), None
            else:
                result, structured = await answered(tool, call, tool_context)
            if result.error is not None:
                reporter.failed(result.content)
        return types.CallToolResult(
            content=content_of(result, shelf.put),
            structured_content=structured,
            is_error=result.error is not None,
        )

    async def set_level(context: Any, asked: types.SetLevelRequestParams) -> types.EmptyResult:
        levels[context.session._connection] = asked.level
        return types.EmptyResult()

    with warnings.catch_warnings():  # clients of before 2026 ask for it, and it is theirs to drop
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        return Server(  # pyright: ignore[reportDeprecated]
            "agentlab",
            version=version("agentlab-kit"),
            instructions=INSTRUCTIONS,
            on_list_tools=list_tools,
            on_call_tool=call_tool,
            on_list_resources=shelf.listed,
            on_list_resource_templates=shelf.families,
            on_read_resource=shelf.read,
            on_subscribe_resource=watching.subscribe,
            on_unsubscribe_resource=watching.unsubscribe,
            on_subscriptions_listen=watching.listening(),
            on_list_prompts=prompts.listed if prompts else None,
            on_get_prompt=prompts.got if prompts else None,
            on_completion=prompts.completed if prompts else None,
            on_set_logging_level=set_level,
        )


async def _forbidden(context: ToolContext, call: ToolCall) -> str:
    """Why a call may not be made; empty if the person behind the client allows it."""
    if context.fill is None:
        return f"{call.name} needs a person's consent, and this client can't ask for it"
    arguments = one_line(call.arguments, 500)
    nothing: dict[str, Any] = {"type": "object", "properties": {}}
    form = Form(message=f"May {call.name} be called with {arguments}?", fields=nothing)
    return "the user said no" if await context.fill(form) is None else ""


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client on stdin and stdout, until it hangs up."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


async def serve_http(
    server: Server[Any], *, port: int, token: str | None, told: Callable[[str], None]
) -> None:
    """Serve on 127.0.0.1 until interrupted. Requests for other hosts' names are refused.

    Args:
        port: 0 takes a free one.
        token: what clients must send as a bearer token; None asks for none.
        told: called with the address, once clients can connect.

    Raises:
        ConfigError: the port is taken.
    """
    import uvicorn

    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigError(f"port {port} can't be used: {error.strerror}; try --http 0") from None
    with listening:
        app: _App = server.streamable_http_app()
        if token is not None:
            app = _guarded(app, token)
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2)
        told(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")
        await uvicorn.Server(config).serve(sockets=[listening])


def _guarded(app: _App, token: str) -> _App:
    expected = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        authorization = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] != "http" or hmac.compare_digest(authorization, expected):
            await app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b"Bearer"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return guarded
