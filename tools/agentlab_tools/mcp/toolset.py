"""`-t mcp:NAME` on the command line: the tools of servers that a user named or described."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from agentlab.errors import ConfigError
from agentlab.places.home import home
from agentlab.tooling import Tool
from agentlab_tools.mcp.client import mcp_tools
from agentlab_tools.mcp.names import Names
from agentlab_tools.mcp.servers import find_server, load_servers


def servers_file() -> Path:
    """Where a user describes servers; see `agentlab_tools.mcp.servers`."""
    return home() / "mcp.toml"


@asynccontextmanager
async def toolset(whats: Sequence[str]) -> AsyncGenerator[tuple[Tool[Any], ...]]:
    """The tools of several servers. Those of a name that an earlier one has get its server's name.

    Raises:
        ConfigError: no server goes by such a name.
        McpError: one of them does not work.
    """
    servers = load_servers(servers_file())
    if not all(whats):
        names = ", ".join(servers) or f"none yet in {servers_file()}"
        raise ConfigError(f"name an MCP server, as in -t mcp:NAME; there are: {names}")
    tools: dict[str, Tool[Any]] = {}
    names = Names()
    async with AsyncExitStack() as stack:
        for what in dict.fromkeys(whats):
            server = find_server(what, servers)
            for tool in await stack.enter_async_context(mcp_tools(server)):
                exposed = f"{server.name}_{tool.name}" if tool.name in tools else tool.name
                name = names.give(exposed)
                tools[name] = tool.with_(name=name)
        yield tuple(tools.values())
