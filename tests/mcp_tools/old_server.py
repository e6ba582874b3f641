"""A server that speaks HTTP+SSE, as servers did until 2025-03-26: python old_server.py PORT."""

from __future__ import annotations

import sys
import warnings

import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("old")


@server.tool()
def shout(text: str) -> str:
    return text.upper()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    config = uvicorn.Config(server.sse_app(), port=int(sys.argv[1]), log_level="error")
    made = uvicorn.Server(config)
    print("listening", flush=True)
    made.run()
