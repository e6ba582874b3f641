"""A tool that reads what a server's answers only point to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agentlab.tooling import Tool, ToolContext
from agentlab_tools.mcp.servers import McpServer

MAX_LINKS = 5
"""How many links of one answer are read with it, where a server lists no resources to ask for."""


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    uri: str = Field(description="the address, as an answer gives it", min_length=1)


def reader(
    server: McpServer, name: str, read: Callable[[str, ToolContext], Coroutine[Any, Any, str]]
) -> Tool[Any]:
    """The tool that reads a resource of a server, which has some."""

    async def run(given: _Arguments, context: ToolContext) -> str:
        return await read(given.uri, context)

    return Tool(
        name=name,
        description=f"Read a resource of the server {server.name} by its address, such as one that "
        "an answer of its tools names in brackets.",
        arguments=_Arguments,
        run=run,
        timeout=server.timeout,
    )


async def has_resources(client: Any) -> bool:
    """Whether a server has resources; most of those that say they can have some have none."""
    if client.server_capabilities.resources is None:
        return False
    for ask, contents in (
        (client.list_resources, "resources"),
        (client.list_resource_templates, "resource_templates"),
    ):
        with suppress(Exception):
            if getattr(await ask(), contents):
                return True
    return False
