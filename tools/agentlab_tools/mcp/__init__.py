"""Tools of other programs, through the Model Context Protocol (MCP), and ours for them.

    async with mcp_tools("mcp-server-time --local-timezone UTC") as tools:
        agent = Agent(backend=backend, tools=tools)

    async with mcp_tools("http://127.0.0.1:8000/mcp") as tools: …

`agentlab mcp serve` is the other direction.
"""

from agentlab_tools.mcp.client import McpError, McpTools, mcp_tools
from agentlab_tools.mcp.servers import McpServer, load_servers

__all__ = ["McpError", "McpServer", "McpTools", "load_servers", "mcp_tools"]
