"""Servers by HTTP that are started anew, are of the old kind, or answer with an error."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentlab.messages import ToolCall, ToolResult
from agentlab.tooling import Tool
from agentlab_tools.mcp import McpError, McpServer, keeper, mcp_tools

HERE = Path(__file__).parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def running(program: str, port: int, *more: str) -> Generator[None]:
    with subprocess.Popen(
        [sys.executable, str(HERE / program), str(port), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n"
            while True:
                with socket.socket() as trying:
                    if trying.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None
                time.sleep(0.05)
            yield
        finally:
            process.kill()


async def ask(tool: Tool[Any], **arguments: object) -> ToolResult:
    return await tool.call(ToolCall(id="1", name=tool.name, arguments=json.dumps(arguments)))


@pytest.mark.parametrize("status", [404, 400])
async def test_a_server_that_was_started_anew_is_met_again(status: int) -> None:
    port = free_port()
    with running("session_server.py", port, str(status)):
        opening = mcp_tools(f"http://127.0.0.1:{port}/mcp")
        tools = await opening.__aenter__()
        assert (await ask(tools[0])).content == "calls:"
    with running("session_server.py", port, str(status)):
        answers = await asyncio.gather(*(ask(tools[0]) for _ in range(5)))
        assert [answer.content for answer in answers] == ["calls:"] * 5
        await opening.__aexit__(None, None, None)


async def test_one_that_is_away_is_said_and_met_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "_AGAIN", 1.0)
    port = free_port()
    with running("session_server.py", port, "404"):
        opening = mcp_tools(f"http://127.0.0.1:{port}/mcp")
        tools = await opening.__aenter__()
    away = await ask(tools[0])
    assert away.error == "tool_error"
    assert "127.0.0.1 is not there: it can't be reached" in away.content
    monkeypatch.setattr(keeper, "_AGAIN", 30.0)
    with running("session_server.py", port, "404"):
        assert (await ask(tools[0])).content == "calls:"
        await opening.__aexit__(None, None, None)


async def test_a_call_that_may_have_been_carried_out_is_never_sent_again() -> None:
    port = free_port()
    with running("session_server.py", port, "404"):
        async with mcp_tools(f"http://127.0.0.1:{port}/mcp") as (calls, hang, _):
            cut = await ask(hang)
            assert cut.error == "tool_error"
            assert "whether the call was carried out is not known" in cut.content
            assert (await ask(calls)).content == "calls: hang"


async def test_a_refusal_of_the_call_itself_is_told_in_the_servers_words() -> None:
    port = free_port()
    with running("session_server.py", port, "404"):
        async with mcp_tools(f"http://127.0.0.1:{port}/mcp") as (_, _, refuses):
            refused = await ask(refuses)
    assert refused.error == "tool_error"
    assert "not like that" in refused.content


async def test_a_server_of_the_old_kind_is_spoken_to_in_its_way() -> None:
    port = free_port()
    with running("old_server.py", port):
        async with mcp_tools(f"http://127.0.0.1:{port}/sse") as tools:
            assert [tool.name for tool in tools] == ["shout"]
            assert (await ask(tools[0], text="hi")).content == "HI"
            assert tools.notes == (
                "the MCP server 127.0.0.1 speaks an older way of HTTP (SSE): "
                "it may have one at /mcp",
            )


async def test_an_address_with_no_server_behind_it_says_what_it_answers() -> None:
    port = free_port()
    with running("old_server.py", port):
        server = McpServer(name="it", url=f"http://127.0.0.1:{port}/nothing", start_timeout=30)
        with pytest.raises(McpError, match="does not work: it answers 404 Not Found"):
            async with mcp_tools(server):
                pass
    with pytest.raises(McpError, match="it can't be reached"):
        async with mcp_tools(f"http://127.0.0.1:{free_port()}/mcp"):
            pass
