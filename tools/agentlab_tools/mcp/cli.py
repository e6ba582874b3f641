"""`agentlab mcp`: serve our tools to other programs, or look at another program's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from importlib import import_module

import click

from agentlab.display import one_line, safe
from agentlab.errors import ConfigError, MissingExtra, MissingKey
from agentlab.places.home import environment
from agentlab.plugins.equipment import equipment_for
from agentlab.plugins.tools import load_tools, open_tools, tool_names


@click.command()
@click.option("-t", "--tool", "tools", multiple=True, help="Serve this tool. May be repeated.")
@click.option("--http", "port", type=click.IntRange(0, 65535), help="Serve at this port, by HTTP.")
@click.option("--token-env", help="The variable with the token that clients must send (HTTP).")
@click.option("--file", "files", multiple=True, metavar="PATH", help="Let clients read this file.")
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="PATH",
    help="Offer this Markdown file as a prompt.",
)
@click.option("--ask", multiple=True, help="Let the client's user allow each call of this tool.")
@click.option("--look", metavar="SERVER", help="List the tools of an MCP server instead.")
def mcp(
    tools: tuple[str, ...],
    port: int | None,
    token_env: str | None,
    files: tuple[str, ...],
    prompts: tuple[str, ...],
    ask: tuple[str, ...],
    look: str | None,
) -> None:
    """Serve AgentLab's tools to other programs, through the Model Context Protocol.

    On stdin and stdout, as such programs start it, or with --http PORT on 127.0.0.1. Without -t, it
    serves the tools that only look things up; tools that run code or change files are served when
    named.
    """
    try:
        import_module("mcp")
    except ImportError:
        raise MissingExtra("the MCP SDK", "knowledge") from None
    if look is not None:
        asyncio.run(_look(look))
        return
    chosen = tools or harmless()
    token = None
    if token_env is not None:
        token = environment().get(token_env, "").strip()
        if not token:
            raise MissingKey(f"no token to ask clients for: set {token_env}")
    asyncio.run(_serve(chosen, port, token, files, prompts, ask))


def harmless() -> tuple[str, ...]:
    """The names of all tools that change nothing, of those that are installed whole."""
    names: list[str] = []
    for name in tool_names():
        with suppress(MissingExtra):
            names += (tool.name for tool in load_tools([name]) if tool.read_only)
    return tuple(names)


async def _serve(
    names: Sequence[str],
    port: int | None,
    token: str | None,
    files: Sequence[str],
    prompts: Sequence[str],
    ask: Sequence[str],
) -> None:
    from agentlab_tools.mcp.prompts import Prompts
    from agentlab_tools.mcp.serve import (  # keeps --help fast
        serve_http,
        serve_stdio,
        server_of,
    )
    from agentlab_tools.mcp.shelf import Shelf, shared_files

    shelf = Shelf(shared_files(files))
    async with open_tools(names) as tools, equipment_for(names) as equipment:
        offered = Prompts(prompts, shelf) if prompts else None
        guarded = [tool.name for tool in tools if any(fnmatchcase(tool.name, one) for one in ask)]
        if ask and not guarded:
            raise ConfigError(f"no tool that is served is called {ask[0]}: see --ask")
        server = server_of(tools, equipment, shelf, offered, guarded)
        if port is None:
            await serve_stdio(server)
            return
        acting = [tool.name for tool in tools if not tool.read_only]
        if acting and token is None:
            raise ConfigError(
                f"{acting[0]} acts, and everyone on this machine can reach a port: "
                "give --token-env NAME"
            )
        if (files or prompts) and token is None:
            what = "files" if files else "prompts"
            raise ConfigError(
                f"everyone on this machine can reach a port, and so the {what}: "
                "give --token-env NAME"
            )
        await serve_http(server, port=port, token=token, told=lambda at: click.echo(at, err=True))


async def _look(what: str) -> None:
    async with open_tools([f"mcp:{what}"]) as tools:
        for tool in tools:
            arguments = ", ".join(tool.spec.parameters.get("properties", {}))
            click.echo(safe(f"{tool.name}({arguments})  {one_line(tool.description)}"))
