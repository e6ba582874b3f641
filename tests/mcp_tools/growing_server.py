"""A server of the SDK's, in the protocol of 2026-07-28, whose list of tools grows."""

from __future__ import annotations

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("growing")


def late() -> str:
    """Came later."""
    return "called late"


@server.tool()
async def grows(context: Context) -> str:
    """Have one tool more."""
    server.add_tool(late)
    await context.notify_tools_changed()
    return "grown"


if __name__ == "__main__":
    server.run("stdio")
