"""What a server gets wrong costs that one thing, is said in one line, and holds nothing up."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.backends.scripted import Scripted
from agentlab.messages import ToolCall, ToolResult
from agentlab.tooling import Tool
from agentlab_tools.mcp import McpError, McpServer, mcp_tools

WAYWARD = Path(__file__).with_name("wayward_server.py")
ANY = {"type": "object"}
GOOD = {"name": "good", "inputSchema": ANY}
Says = Callable[..., McpServer]


@pytest.fixture
def says(tmp_path: Path) -> Says:
    def make(**script: Any) -> McpServer:
        file = tmp_path / "script.json"
        file.write_text(json.dumps(script), encoding="utf-8")
        command = (sys.executable, str(WAYWARD), str(file))
        return McpServer(name="way", command=command, timeout=20)

    return make


async def ask(tool: Tool[Any], **arguments: object) -> ToolResult:
    return await tool.call(ToolCall(id="1", name=tool.name, arguments=json.dumps(arguments)))


def doubled(keyword: str) -> dict[str, Any]:
    """Twenty-seven definitions that each refer twice to the one before: 2^27 steps."""
    held: dict[str, Any] = {"a0": {"type": "string"}}
    for number in range(1, 28):
        twice = [{"$ref": f"#/$defs/a{number - 1}"}] * 2
        held[f"a{number}"] = {keyword: twice}
    return {**ANY, "properties": {"a": {"$ref": "#/$defs/a27"}}, "$defs": held}


class TestLists:
    async def test_an_empty_cursor_is_the_end(self, says: Says) -> None:
        async with mcp_tools(says(list={"tools": [GOOD], "nextCursor": ""})) as tools:
            assert [tool.name for tool in tools] == ["good"]
            assert tools.notes == ()

    async def test_many_pages_are_read(self, says: Says) -> None:
        async with mcp_tools(says(pages=71)) as tools:
            assert len(tools) == 71
            Agent(backend=Scripted([]), tools=tools)

    async def test_a_page_that_comes_again_and_again_is_taken_once_and_said(
        self, says: Says
    ) -> None:
        async with mcp_tools(says(list={"tools": [GOOD], "nextCursor": "same"})) as tools:
            assert [tool.name for tool in tools] == ["good"]
            assert "lists the same page again; 1 tool came until then" in tools.notes[-1]

    async def test_endless_pages_end_at_a_bound_that_is_said(self, says: Says) -> None:
        async with mcp_tools(says(pages=10**9)) as tools:
            assert len(tools) == 1000
            assert "lists more than 1,000 pages; 1,000 tools came until then" in tools.notes[-1]

    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            ({"description": "no name"}, "a tool without a name"),
            ({"name": 7, "inputSchema": ANY}, "a tool without a name"),
            ("a tool", "a tool without a name"),
            (
                {"name": "slow", "inputSchema": ANY, "execution": {"taskSupport": "required"}},
                "'slow', which needs tasks",
            ),
        ],
    )
    async def test_a_tool_that_can_not_be_used_is_left_out_and_named(
        self, says: Says, bad: Any, said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with mcp_tools(says(list={"tools": [bad, GOOD]})) as tools:
            assert [tool.name for tool in tools] == ["good"]
            assert (await ask(tools[0], x=1)).content == '{"x": 1}'
            (note,) = tools.notes
        assert said in note
        assert caplog.messages.count(note) == 1

    @pytest.mark.parametrize(
        ("schema", "said"),
        [
            ("text", "it is no object"),
            ({"type": "string"}, "its type is"),
            ({"type": "object", "properties": []}, "no schemas"),
            ({"type": "object", "required": True}, "no list of names"),
            ({"type": "object", "properties": {"a": {"type": 7}}}, "properties.a.type"),
            ({"type": "object", "properties": {"a": {"$ref": "#/$defs/No"}}}, "#/$defs/No"),
            ({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/"}}}, "127.0.0.1"),
        ],
    )
    async def test_a_schema_that_is_none_is_named_and_its_tool_used(
        self, says: Says, schema: Any, said: str
    ) -> None:
        bad = {"name": "odd one", "inputSchema": schema}
        async with mcp_tools(says(list={"tools": [bad, GOOD]})) as tools:
            assert [tool.name for tool in tools] == ["odd_one", "good"]
            assert (await ask(tools[0], a=1)).content == '{"a": 1}'
            (note,) = tools.notes
        assert "'odd one'" in note
        assert said in note

    @pytest.mark.parametrize(
        "schema", [None, {}, {"properties": {"a": {}}}, {"type": "object", "properties": None}]
    )
    async def test_what_is_only_left_out_of_a_schema_is_no_fault(
        self, says: Says, schema: Any
    ) -> None:
        given = {"name": "echo", "inputSchema": schema, "outputSchema": 7, "annotations": "none"}
        async with mcp_tools(says(list={"tools": [given]})) as tools:
            assert (await ask(tools[0], a=1)).content == '{"a": 1}'
            assert tools.notes == ()

    async def test_thousands_of_names_that_come_to_one_are_told_apart_in_linear_time(
        self, says: Says
    ) -> None:
        names = [chr(0x4E00 + number) * 3 for number in range(3000)]
        many = [{"name": name, "inputSchema": ANY} for name in names]
        begun = time.process_time()
        async with mcp_tools(says(list={"tools": many})) as tools:
            assert len({tool.name for tool in tools}) == 3000
            assert (await ask(tools[2999])).error is None
        assert time.process_time() - begun < 30

    @pytest.mark.parametrize(("keyword", "given"), [("allOf", "x"), ("anyOf", 1), ("oneOf", 1)])
    async def test_doubled_references_do_not_hold_anything_up(
        self, says: Says, keyword: str, given: object
    ) -> None:
        tool = {"name": "deep", "inputSchema": doubled(keyword)}
        begun = time.process_time()
        async with mcp_tools(says(list={"tools": [tool]})) as tools:
            Agent(backend=Scripted([]), tools=tools)
            answer = await ask(tools[0], a=given)
            assert answer.content == json.dumps({"a": given})  # for the server to judge
        assert time.process_time() - begun < 20

    @pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(x+x+)+y", r"^(\w+\s?)*$"])
    async def test_a_pattern_that_backtracks_for_ever_is_given_up(
        self, says: Says, pattern: str
    ) -> None:
        schema = {
            **ANY,
            "properties": {"a": {"type": "string", "pattern": pattern}},
            "patternProperties": {pattern: {}},
            "additionalProperties": False,
        }
        async with mcp_tools(says(list={"tools": [{"name": "p", "inputSchema": schema}]})) as tools:
            begun = time.process_time()
            for text in ("a" * 5000 + "!", "x" * 5000, "a " * 2000 + "!"):
                await ask(tools[0], a=text, **{text: 1})
            assert time.process_time() - begun < 10


class TestNoise:
    @pytest.mark.parametrize("noise", ["Starting up, hello!\n", "caf\xe9 ready\n", "{not json\n"])
    @pytest.mark.parametrize("when", ["start", "call"])
    async def test_noise_on_stdout_is_one_line_and_no_more(
        self, says: Says, noise: str, when: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        async with mcp_tools(says(**{when: noise})) as tools:
            assert (await ask(tools[0], a=1)).content == '{"a": 1}'
            assert (await ask(tools[0], a=2)).content == '{"a": 2}'
            (note,) = tools.notes
        assert "writes to stdout what is no message" in note
        assert noise.split(maxsplit=1)[0].encode("ascii", "ignore").decode() in note
        assert "Traceback" not in capfd.readouterr().err

    def test_and_a_program_shows_that_line_alone(self, says: Says, tmp_path: Path) -> None:
        import subprocess

        says(start="hello\n", call="\xff\xfe\nagain\n")
        command = f"{sys.executable} {WAYWARD} {tmp_path / 'script.json'}"
        done = subprocess.run(
            [sys.executable, "-m", "agentlab", "mcp", "--look", command],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert done.stdout.startswith("echo()")
        (line,) = done.stderr.strip().splitlines()
        assert "writes to stdout what is no message: 'hello'" in line

    async def test_half_of_a_surrogate_pair_loses_one_letter(self, says: Says) -> None:
        line = (
            '{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"ok \\ud83d"}]}}'
        )
        async with mcp_tools(says(raw=line)) as tools:
            assert (await ask(tools[0])).content == "ok \ufffd"

    @pytest.mark.parametrize(
        "line", ['{"jsonrpc":"2.0","id":%d,"result":7}', '{"jsonrpc":"2.0","id":%d,"result":{"cont']
    )
    async def test_an_answer_that_can_not_be_read_ends_the_call_at_once(
        self, says: Says, line: str
    ) -> None:
        async with mcp_tools(says(raw=line)) as tools:
            begun = time.monotonic()
            answer = await ask(tools[0])
        assert answer.error == "tool_error"
        assert "its answer can't be read" in answer.content
        assert time.monotonic() - begun < 15


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"content": [{"type": "hologram", "data": 1}]}, '{"type": "hologram", "data": 1}'),
            ({"content": [{"type": "text", "text": "a"}, {"type": "new"}]}, "a\n"),
            ({"content": [{"type": "image", "data": "aaaa"}]}, "'image'"),
            ({"content": "only text"}, "only text"),
            ({"content": {"type": "text", "text": "alone"}}, "alone"),
            ({"content": ["bare"]}, "bare"),
            ({"content": None}, "done"),
            ({}, "done"),
            ({"toolResult": "old"}, "old"),
            ({"structuredContent": {"x": 5}}, '{"x": 5}'),
            ({"content": [], "structuredContent": [1, 2]}, "[1, 2]"),
            ({"content": [{"type": "text", "text": "t"}], "structuredContent": {"x": 5}}, '"x": 5'),
        ],
    )
    @pytest.mark.parametrize("version", ["2025-06-18", "2024-11-05"])
    async def test_no_answer_is_lost_to_its_form(
        self, says: Says, answer: Any, said: str, version: str
    ) -> None:
        async with mcp_tools(says(answer=answer, version=version)) as tools:
            result = await ask(tools[0])
        assert result.error is None
        assert said in result.content

    async def test_an_answer_that_breaks_its_own_output_schema_is_an_answer(
        self, says: Says
    ) -> None:
        wants = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
        tool = {**GOOD, "outputSchema": wants}
        answer = {"content": [{"type": "text", "text": "t"}], "structuredContent": {"x": "five"}}
        async with mcp_tools(says(list={"tools": [tool]}, answer=answer)) as tools:
            assert (await ask(tools[0])).content == 't\n{"x": "five"}'

    @pytest.mark.parametrize(
        ("text", "structured"),
        [
            ('{"x":  5}', {"x": 5}),
            ("all of a file\n", {"content": "all of a file\n"}),  # server-filesystem's form
            ('[{"name": "A"}]', {"entities": [{"name": "A"}]}),  # server-memory's
        ],
    )
    async def test_what_is_said_twice_is_told_once(
        self, says: Says, text: str, structured: dict[str, Any]
    ) -> None:
        answer = {"content": [{"type": "text", "text": text}], "structuredContent": structured}
        async with mcp_tools(says(answer=answer)) as tools:
            assert (await ask(tools[0])).content == text

    async def test_a_call_that_became_a_task_is_an_error(self, says: Says) -> None:
        async with mcp_tools(says(answer={"task": {"taskId": "1"}})) as tools:
            result = await ask(tools[0])
        assert result.error == "tool_error"
        assert "made a task of the call" in result.content

    async def test_a_server_that_dies_in_a_call_says_why(self, says: Says) -> None:
        async with mcp_tools(says(dies=True)) as tools:
            result = await ask(tools[0])
        assert result.error == "tool_error"
        assert "the MCP server way has ended" in result.content

    async def test_a_line_without_end_ends_the_server_and_not_our_memory(
        self, tmp_path: Path
    ) -> None:
        program = tmp_path / "endless.py"
        source = Path(__file__).with_name("wayward_server.py").read_text(encoding="utf-8")
        endless = '            case "tools/call":\n                while True:\n'
        endless += '                    raw("x" * 1_000_000)\n'
        program.write_text(source.replace('            case "tools/call":\n', endless, 1))
        script = tmp_path / "script.json"
        script.write_text("{}")
        command = (sys.executable, str(program), str(script))
        server = McpServer(name="way", command=command, timeout=120)
        async with mcp_tools(server) as tools:
            result = await ask(tools[0])
        assert result.error == "tool_error"
        assert "it wrote a line of over 64 MB to stdout" in result.content

    async def test_a_link_is_read_by_a_tool_where_there_are_resources(self, says: Says) -> None:
        link = {"type": "resource_link", "uri": "note://1", "name": "a note"}
        server = says(
            answer={"content": [link]},
            resource="what is noted",
            resources=[{"uri": "note://1", "name": "a note"}],
        )
        async with mcp_tools(server) as tools:
            assert [tool.name for tool in tools] == ["echo", "read_resource"]
            assert (await ask(tools[0])).content == "[a note: note://1]"
            assert (await ask(tools[1], uri="note://1")).content == "[note://1]\nwhat is noted"

    async def test_and_at_once_where_none_are_listed(self, says: Says) -> None:
        link = {"type": "resource_link", "uri": "note://1", "name": "a note"}
        server = says(answer={"content": [link]}, resource="what is noted")
        async with mcp_tools(server) as tools:
            assert [tool.name for tool in tools] == ["echo"]
            said = (await ask(tools[0])).content
        assert said == "[a note: note://1]\n[note://1]\nwhat is noted"


NODE = """node:internal/modules/cjs/loader:1143
  throw err;
  ^

Error: Cannot find module '/srv/index.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15) {
  code: 'MODULE_NOT_FOUND'
}

Node.js v20.1.0
"""
PYTHON = """Traceback (most recent call last):
  File "server.py", line 1, in <module>
KeyError: 'API_TOKEN'
sys:1: ResourceWarning: unclosed file
"""


class TestStarts:
    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ({"stderr": NODE}, "Error: Cannot find module '/srv/index.js'"),
            ({"stderr": PYTHON}, "KeyError: 'API_TOKEN'"),
            ({"stderr": "usage: server KEY\n"}, "usage: server KEY"),
            ({"error": {"code": -32000, "message": "the licence has run out"}}, "the licence has"),
        ],
    )
    async def test_an_error_at_the_start_is_the_error(
        self, says: Says, script: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(McpError) as refused:
            async with mcp_tools(says(**script)):
                pass
        assert str(refused.value).startswith(f"the MCP server way does not work: {said}")

    async def test_a_log_of_the_sdk_goes_where_the_program_wants_it(
        self, says: Says, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG, logger="mcp"):
            async with mcp_tools(says(start="noise\n")):
                pass
        assert any(record.name.startswith("mcp") for record in caplog.records)
