"""A server's whole list of tools, page by page, within bounds that are said."""

from __future__ import annotations

import asyncio
from typing import Any

from agentlab_tools.mcp.offer import McpError, McpTools

MAX_PAGES = 1000
MAX_TOOLS = 10_000
_SHARE = 0.8
"""What of the time to start may go into listing, so that an endless list is no failed start."""


async def listed_by(client: Any, tools: McpTools) -> list[Any]:
    """The tools that are wanted of those a server lists (`mcp.types.Tool`), each name once.

    Raises:
        McpError: a tool that was asked for is not there.
    """
    listed: dict[str, Any] = {}
    cursor: str | None = None
    seen: set[str] = set()
    try:
        async with asyncio.timeout(tools.server.start_timeout * _SHARE):
            for _ in range(MAX_PAGES):
                page = await client.list_tools(cursor=cursor)
                for one in page.tools:
                    if one.name in listed:
                        tools.note(f"lists {one.name[:60]!r} more than once; the first counts")
                    listed.setdefault(one.name, one)
                cursor = page.next_cursor
                if not cursor:
                    break
                if cursor in seen:
                    tools.note(f"lists the same page again; {_told(listed)} came until then")
                    break
                seen.add(cursor)
                if len(listed) > MAX_TOOLS:
                    tools.note(f"lists more than {MAX_TOOLS:,} tools; the rest is left out")
                    break
            else:
                tools.note(f"lists more than {MAX_PAGES:,} pages; {_told(listed)} came until then")
    except TimeoutError:
        if not listed:
            raise
        tools.note(f"does not come to the end of its list; {_told(listed)} came until then")
    patterns = tools.server.tools
    if missing := set(patterns) - set(listed):
        raise McpError(f"the MCP server {tools.server.name} has no tool {missing.pop()!r}")
    return [one for one in listed.values() if not patterns or one.name in patterns]


def _told(listed: dict[str, Any]) -> str:
    return "1 tool" if len(listed) == 1 else f"{len(listed):,} tools"
