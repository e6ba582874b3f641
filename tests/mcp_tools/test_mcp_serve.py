"""`agentlab mcp`: our tools for others, spoken to by the SDK's own client."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import mcp.types as types
import pytest
from mcp import Client, MCPError, StdioServerParameters
from pydantic import BaseModel

from agentlab.errors import ToolError
from agentlab.plugins.equipment import Equipment
from agentlab.plugins.tools import load_tools
from agentlab.tooling import Tool, ToolContext, tool
from agentlab_tools.mcp import McpServer, mcp_tools
from agentlab_tools.mcp.cli import harmless
from agentlab_tools.mcp.serve import server_of

COMMAND = (sys.executable, "-m", "agentlab", "mcp")


@tool
def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


@tool
def draw(context: ToolContext) -> str:
    """Make files."""
    context.attach("plot.png", b"\x89PNG", "image/png")
    context.attach("table.csv", b"a,b", "text/csv")
    return f"drawn for {context.deps}"


@tool
def fail() -> str:
    """Never works."""
    raise ToolError("no luck")


@tool
async def wait(seconds: float) -> str:
    """Wait."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        cancelled.append(seconds)
        raise
    return "waited"


class Place(BaseModel):
    name: str
    height: float


@tool
def place(name: str) -> Place:
    """Where it is."""
    return Place(name=name, height=35)


@tool
def many(count: int) -> list[int]:
    """Numbers."""
    return list(range(count))


@tool
def sing(context: ToolContext) -> str:
    """Make a sound, and tell how it goes."""
    for part in ("first verse", "second verse"):
        context.emit(f"{part}\n")
    context.attach("song.wav", b"RIFF", "audio/wav")
    return "sung"


@tool
def write_down(context: ToolContext) -> str:
    """Make a table."""
    context.attach("my table.csv", b"a,b\n1,2\n", "text/csv")
    return "written"


cancelled: list[float] = []
TOOLS: tuple[Tool[Any], ...] = (shout, draw, fail, wait, place, many, sing, write_down)


@asynccontextmanager
async def client(mode: str = "auto") -> AsyncGenerator[Client]:
    server = server_of(TOOLS, Equipment(deps="the caller"))
    async with Client(server, mode=mode) as opened:
        yield opened


def said(result: types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, types.TextContent))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_tools_are_listed_and_called_in_old_and_new_protocol(mode: str) -> None:
    async with client(mode) as opened:
        listed = {one.name: one for one in (await opened.list_tools()).tools}
        assert list(listed) == [one.name for one in TOOLS]
        assert listed["shout"].description == "Say it louder."
        assert listed["shout"].input_schema == shout.spec.parameters
        assert said(await opened.call_tool("shout", {"text": "grüße"})) == "GRÜSSE"


async def test_files_of_a_tool_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    async with client() as opened:
        text, picture, table = (await opened.call_tool("draw", {})).content
    assert isinstance(text, types.TextContent)
    assert text.text == "drawn for the caller"
    assert isinstance(picture, types.ImageContent)
    assert picture.mime_type == "image/png"
    assert isinstance(table, types.EmbeddedResource)
    assert str(table.resource.uri).endswith("/table.csv")


async def test_a_sound_is_a_sound() -> None:
    async with client() as opened:
        _, sound = (await opened.call_tool("sing", {})).content
    assert isinstance(sound, types.AudioContent)
    assert sound.mime_type == "audio/wav"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_tools_that_return_data_say_what_it_is_like_and_answer_with_it(mode: str) -> None:
    async with client(mode) as opened:
        listed = {one.name: one for one in (await opened.list_tools()).tools}
        assert listed["shout"].output_schema is None
        wanted = listed["place"].output_schema
        assert wanted is not None
        assert wanted["required"] == ["name", "height"]
        found = await opened.call_tool("place", {"name": "Paris"})  # the SDK checks the schema
        assert found.structured_content == {"name": "Paris", "height": 35.0}
        assert json.loads(said(found)) == found.structured_content
        numbers = await opened.call_tool("many", {"count": 3})
        assert numbers.structured_content == {"result": [0, 1, 2]}
        wrong = await opened.call_tool("many", {"count": "x"})
        assert wrong.is_error
        assert wrong.structured_content is None


async def test_a_long_answer_is_short_as_text_and_whole_as_data() -> None:
    async with client() as opened:
        result = await opened.call_tool("many", {"count": 20_000})
    assert result.structured_content == {"result": list(range(20_000))}
    assert len(said(result)) < 25_000


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_a_tool_tells_on_the_way_is_progress(mode: str) -> None:
    told: list[tuple[float, str | None]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message))

    async with client(mode) as opened:
        result = await opened.call_tool("sing", {}, progress_callback=progress)
    assert said(result) == "sung"
    assert told == [(1.0, "first verse"), (2.0, "second verse")]


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", ["first verse", "second verse", "no luck"]), ("warning", ["no luck"])],
)
@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
async def test_it_is_logged_at_the_level_a_client_sets(level: Any, heard: list[str]) -> None:
    logged: list[types.LoggingMessageNotificationParams] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        logged.append(params)

    async with Client(server_of(TOOLS, Equipment()), mode="legacy", logging_callback=log) as opened:
        assert opened.server_capabilities.logging is not None
        await opened.set_logging_level(level)  # pyright: ignore[reportDeprecated] - for old clients
        await opened.call_tool("sing", {})
        await opened.call_tool("fail", {})
    assert [message.data for message in logged] == heard
    assert logged[-1].logger == "fail"
    assert logged[-1].level == "warning"


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [("fail", {}, "no luck"), ("shout", {"text": 3}, "valid string"), ("shout", {}, "required")],
)
async def test_failures_are_results_that_say_so(
    name: str, arguments: dict[str, Any], told: str
) -> None:
    async with client() as opened:
        result = await opened.call_tool(name, arguments)
    assert result.is_error
    assert told in said(result)


async def test_an_unknown_tool_is_an_error_of_the_protocol() -> None:
    async with client() as opened:
        with pytest.raises(MCPError, match="Unknown tool: rm"):
            await opened.call_tool("rm", {})


async def test_a_cancelled_call_is_cancelled_in_the_tool() -> None:
    cancelled.clear()
    async with client("legacy") as opened:
        call = asyncio.create_task(opened.call_tool("wait", {"seconds": 1000.0}))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert said(await opened.call_tool("shout", {"text": "next"})) == "NEXT"
    assert cancelled == [1000.0]


def test_by_default_only_tools_that_change_nothing_are_served() -> None:
    names = harmless()
    assert {"calculator", "search", "fetch_page", "web_search"} <= set(names)
    assert not {"run_python", "run_shell", "write_file"} & set(names)
    assert all(one.read_only for one in load_tools(names))


async def test_the_command_serves_the_sdks_client_on_stdio() -> None:
    parameters = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:]])
    async with Client(parameters) as opened:
        names = [one.name for one in (await opened.list_tools()).tools]
        assert "calculator" in names
        assert "run_python" not in names
        result = await opened.call_tool("calculator", {"expression": "17 * 23"})
        assert said(result) == "391"
        found = await opened.call_tool("search", {"query": "what is LoRA"})
        assert "lora" in said(found).lower()


async def test_a_tool_that_acts_is_served_when_it_is_named() -> None:
    server = McpServer(command=(*COMMAND, "-t", "write_file", "-t", "read_file"))
    async with mcp_tools(server) as (write, read):
        arguments = write.arguments.model_validate({"path": "a.txt", "content": "kept"})
        await write.run(arguments, ToolContext())
        assert await read.run(
            read.arguments.model_validate({"path": "a.txt"}), ToolContext()
        ) == "kept"  # fmt: skip


async def test_files_are_shared_and_read_as_they_are_then(tmp_path: Path) -> None:
    (tmp_path / "größe.csv").write_text("city,people\nBern,1\n", encoding="utf-8")
    (tmp_path / "odd.json").write_bytes(b"\xff\xfe")
    files = [part for name in ("größe.csv", "odd.json") for part in ("--file", tmp_path / name)]
    arguments = [*COMMAND[1:], "-t", "calculator", *map(str, files)]
    async with Client(StdioServerParameters(command=COMMAND[0], args=arguments)) as opened:
        listed = {one.name: one for one in (await opened.list_resources()).resources}
        assert {name: one.mime_type for name, one in listed.items()} == {
            "größe.csv": "text/csv",
            "odd.json": "application/json",
        }
        (tmp_path / "größe.csv").write_text("city,people\nBern,2\n", encoding="utf-8")
        (table,) = (await opened.read_resource(listed["größe.csv"].uri)).contents
        assert isinstance(table, types.TextResourceContents)
        assert table.text == "city,people\nBern,2\n"
        (odd,) = (await opened.read_resource(listed["odd.json"].uri)).contents
        assert isinstance(odd, types.BlobResourceContents)
        assert base64.b64decode(odd.blob) == b"\xff\xfe"
        (tmp_path / "odd.json").unlink()
        with pytest.raises(MCPError, match=r"odd\.json can't be read: No such file"):
            await opened.read_resource(listed["odd.json"].uri)
        with pytest.raises(MCPError, match="nothing to read at file:///etc/passwd"):
            await opened.read_resource("file:///etc/passwd")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_file_that_a_tool_made_is_read_again(mode: str) -> None:
    async with client(mode) as opened:
        assert (await opened.list_resource_templates()).resource_templates == []
        made = await opened.call_tool("write_down", {})
        (file,) = [p for p in made.content if isinstance(p, types.EmbeddedResource)]
        (template,) = (await opened.list_resource_templates()).resource_templates
        assert template.uri_template == "agentlab:///{digest}/{name}"
        (again,) = (await opened.read_resource(file.resource.uri)).contents
        assert isinstance(again, types.TextResourceContents)
        assert again.text == "a,b\n1,2\n"
        assert (await opened.list_resources()).resources == []


@contextmanager
def serving(*options: str, **environ: str) -> Generator[str]:
    """The program, and the address it tells."""
    with subprocess.Popen(
        [*COMMAND, "--http", "0", *options],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        yield process.stderr.readline().strip()
        process.send_signal(signal.SIGINT)
        process.wait(30)


async def test_it_serves_on_loopback_by_http_and_knows_its_hosts() -> None:
    with serving() as address:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/mcp", address)
        async with mcp_tools(address) as tools:
            calculator = next(one for one in tools if one.name == "calculator")
            arguments = calculator.arguments.model_validate({"expression": "6 * 7"})
            assert await calculator.run(arguments, ToolContext()) == "42"
        # a web page on a name that was made to lead here can't call tools
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accepts = {"accept": "application/json, text/event-stream"}
        async with httpx.AsyncClient(headers=accepts) as plain:
            for evil in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
                refused = await plain.post(address, json=body, headers=evil)
                assert refused.status_code in (403, 421)


async def test_a_token_is_asked_for() -> None:
    with serving("--token-env", "SERVED", SERVED="right") as address:
        async with httpx.AsyncClient() as plain:
            for headers in ({}, {"authorization": "Bearer wrong"}):
                refused = await plain.post(address, json={}, headers=headers)
                assert refused.status_code == 401
        server = McpServer(url=address, key_env="SERVED")
        async with mcp_tools(server, environ={"SERVED": "right"}) as tools:
            assert len(tools) > 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-t", "nothing"), "no tool 'nothing'"),
        (("--file", "gone.csv"), "gone.csv can't be shared: it is no file"),
        (("--file", __file__, "--file", __file__), "two files to share are called test_mcp_serve"),
        (("--file", __file__, "--http", "0"), "and so the files: give --token-env"),
        (("--prompt", __file__, "--http", "0"), "and so the prompts: give --token-env"),
        (("--prompt", "gone.md"), "gone.md can't be read: No such file"),
        (("-t", "run_python", "--http", "0"), "run_python acts"),
        (("--http", "0", "--token-env", "NOT_SET_ANYWHERE"), "set NOT_SET_ANYWHERE"),
        (("--look", "no-such-server"), "no MCP server 'no-such-server'"),
    ],
)
def test_what_cannot_be_served_is_one_clear_line(
    options: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*COMMAND, *options],
        env={**os.environ, "AGENTLAB_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with serving() as address:
        port = address.rsplit(":", 1)[1].partition("/")[0]
        done = subprocess.run(
            [*COMMAND, "--http", port], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert f"port {port} can't be used" in done.stderr


@pytest.mark.parametrize("options", [[], ["--look", "true"], ["-t", "calculator"]])
def test_without_its_extra_it_says_so_in_one_line(options: list[str]) -> None:
    program = (
        "import sys\n"
        "sys.modules['mcp'] = None\n"
        "from agentlab.cli.main import main\n"
        f"sys.argv = ['agentlab', 'mcp', *{options!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "the MCP SDK is not installed" in line
