"""Tools of MCP servers, as tools of an agent: a stranger's server, and an odd one of ours."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, MissingKey
from agentlab.messages import Message, ToolCall, ToolResult
from agentlab.plugins.tools import open_tools
from agentlab.tooling import Tool, ToolContext
from agentlab_tools.mcp import McpError, McpServer, McpTools, load_servers, mcp_tools

ODD = Path(__file__).with_name("odd_server.py")
TIME = (sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC")


def odd(*arguments: str, **options: Any) -> McpServer:
    return McpServer(name="odd", command=(sys.executable, str(ODD), *arguments), **options)


async def ask(tool: Tool[Any], **arguments: object) -> ToolResult:
    return await tool.call(ToolCall(id="1", name=tool.name, arguments=json.dumps(arguments)))


def by_name(tools: McpTools, name: str) -> Tool[Any]:
    return next(tool for tool in tools if tool.name == name)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def gone(*pids: int) -> bool:
    """Whether these processes end, waiting for it for a while."""
    for _ in range(600):
        if not any(map(alive, pids)):
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.fixture
async def tools() -> AsyncGenerator[McpTools]:
    async with mcp_tools(odd()) as opened:
        yield opened


class TestAStrangersServer:
    """mcp-server-time, as the package index has it."""

    async def test_its_tools_are_an_agents_tools(self, runs: Path) -> None:
        async with mcp_tools(McpServer(name="time", command=TIME)) as tools:
            assert [tool.name for tool in tools] == ["get_current_time", "convert_time"]
            assert "timezone" in tools[0].spec.parameters["properties"]
            convert = {
                "source_timezone": "Europe/Paris",
                "time": "12:30",
                "target_timezone": "Asia/Tokyo",
            }
            call = ToolCall(id="1", name="convert_time", arguments=json.dumps(convert))
            agent = Agent(
                backend=Scripted([Message.assistant(call), "done"]), tools=tools, runs=runs
            )
            result = await agent.run("Convert")
        (answer,) = (part for message in result.messages for part in message.parts
                     if part.kind == "tool_result")  # fmt: skip
        assert answer.error is None
        said = json.loads(answer.content)
        assert said["source"]["timezone"] == "Europe/Paris"
        assert said["target"]["datetime"][11:13] in ("19", "20")

    async def test_what_it_refuses_is_an_error_for_the_model(self) -> None:
        async with mcp_tools(McpServer(name="time", command=TIME)) as tools:
            wrong = await ask(tools[0], timezone="Nowhere/Land")
            missing = await ask(tools[0])
        assert wrong.error == "tool_error"
        assert "Nowhere/Land" in wrong.content
        assert missing.error == "bad_arguments"
        assert "'timezone' is a required property" in missing.content


class TestNames:
    async def test_names_are_made_valid_and_no_two_alike(self, tools: McpTools) -> None:
        names = [tool.name for tool in tools]
        assert names[1:3] == ["odd_name_with_dots", "odd_name_with_dots_2"]
        assert len(names[3]) == 64
        assert len(set(names)) == len(names)
        Agent(backend=Scripted([]), tools=tools)  # which refuses names no service takes
        assert (await ask(tools[1])).content == "called odd name/with.dots"

    async def test_a_prefix_and_a_choice_of_tools(self) -> None:
        async with mcp_tools(odd(prefix="my_", tools=("echo",))) as tools:
            assert [tool.name for tool in tools] == ["my_echo"]
            assert (await ask(tools[0], text="hi")).content == "hi"
        with pytest.raises(McpError, match="has no tool 'nothing'"):
            async with mcp_tools(odd(tools=("nothing",))):
                pass

    async def test_tools_of_two_servers_that_share_a_name_are_told_apart(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path))
        command = json.dumps([*TIME])
        (tmp_path / "mcp.toml").write_text(
            f"[servers.one]\ncommand = {command}\n[servers.two]\ncommand = {command}\n"
        )
        async with open_tools(["mcp:one", "mcp:two"]) as tools:
            assert [tool.name for tool in tools] == [
                "get_current_time", "convert_time", "two_get_current_time", "two_convert_time",
            ]  # fmt: skip


class TestAnswers:
    async def test_arguments_are_checked_before_they_are_sent(self, tools: McpTools) -> None:
        wrong = await ask(tools[0], text=3)
        assert wrong.error == "bad_arguments"
        assert "text: 3 is not of type 'string'" in wrong.content

    async def test_a_schema_that_refers_elsewhere_is_not_followed(self, tools: McpTools) -> None:
        answer = await ask(by_name(tools, "refers"), a=1)
        assert answer.content == "called refers"

    async def test_a_schema_that_is_none_takes_any_object(self, tools: McpTools) -> None:
        assert (await ask(by_name(tools, "nonsense"), a=1)).content == "called nonsense"

    async def test_pictures_sounds_and_files_are_attached(self, tools: McpTools) -> None:
        answer = await ask(by_name(tools, "everything"))
        assert answer.error is None
        files = {artifact.name: artifact for artifact in answer.artifacts}
        assert set(files) == {"image-2.png", "audio-3.wav", "c.bin"}
        assert files["image-2.png"].media_type == "image/png"
        assert files["image-2.png"].blob.read().startswith(b"\x89PNG")
        assert "[image-4.png could not be decoded and was left out]" in answer.content
        assert "[a: file:///a.txt]" in answer.content
        assert "[note://b]\nnoted" in answer.content

    async def test_structure_alone_is_told_as_json(self, tools: McpTools) -> None:
        assert (await ask(by_name(tools, "structured"))).content == '{"answer": 42}'

    @pytest.mark.parametrize(
        ("name", "said"),
        [("fails", "no such thing"), ("raises", "odd: a bug in the server"), ("garbage", "odd: ")],
    )
    async def test_failures_are_data(self, tools: McpTools, name: str, said: str) -> None:
        answer = await ask(by_name(tools, name))
        assert answer.error == "tool_error"
        assert said in answer.content
        assert (await ask(tools[0], text="still here")).content == "still here"

    async def test_calls_side_by_side_get_their_own_answers(self, tools: McpTools) -> None:
        answers = await asyncio.gather(*(ask(tools[0], text=str(n)) for n in range(50)))
        assert [answer.content for answer in answers] == [str(n) for n in range(50)]

    async def test_a_call_that_takes_too_long_is_given_up_and_the_server_told(
        self, tmp_path: Path
    ) -> None:
        async with mcp_tools(odd(str(tmp_path), timeout=0.3)) as tools:
            answer = await ask(by_name(tools, "forever"))
            assert answer.error == "timeout"
            assert (await ask(tools[0], text="next")).content == "next"
            await _exists(tmp_path / "stopped")

    async def test_a_cancelled_call_is_cancelled_at_the_server(self, tmp_path: Path) -> None:
        async with mcp_tools(odd(str(tmp_path))) as tools:
            call = asyncio.create_task(ask(by_name(tools, "forever")))
            await asyncio.sleep(0.2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await _exists(tmp_path / "stopped")
            assert (await ask(tools[0], text="next")).content == "next"

    async def test_a_server_that_dies_in_a_call_is_an_error_for_the_model(
        self, tools: McpTools
    ) -> None:
        died = await ask(by_name(tools, "dies"))
        assert died.error == "tool_error"
        assert "odd has ended" in died.content
        assert "the next starts it again" in died.content

    async def test_the_call_after_that_starts_it_again_and_so_does_each(
        self, tools: McpTools
    ) -> None:
        for _ in range(3):
            await ask(by_name(tools, "dies"))
            after = await asyncio.gather(*(ask(tools[0], text=f"again {n}") for n in range(3)))
            assert [answer.content for answer in after] == ["again 0", "again 1", "again 2"]
        assert [note for note in tools.notes if "started again" in note] == [
            "the MCP server odd has ended and is started again"
        ]

    async def test_one_that_can_not_be_started_again_is_said_to_be_gone(
        self, tmp_path: Path
    ) -> None:
        program = tmp_path / "once.py"
        program.write_text(ODD.read_text(encoding="utf-8"), encoding="utf-8")
        server = McpServer(name="odd", command=(sys.executable, str(program)), start_timeout=20)
        async with mcp_tools(server) as tools:
            program.write_text("raise RuntimeError('it is broken now')")
            await ask(by_name(tools, "dies"))
            for _ in range(2):
                answer = await ask(tools[0], text="x")
                assert answer.error == "tool_error"
                assert "is not there: RuntimeError: it is broken now" in answer.content

    async def test_after_the_block_calls_say_that_it_was_closed(self) -> None:
        async with mcp_tools(odd()) as tools:
            kept = tools[0]
        answer = await ask(kept, text="x")
        assert answer.error == "tool_error"
        assert "was closed" in answer.content

    @pytest.mark.parametrize("program", ["odd_server.py", "growing_server.py"])
    async def test_a_list_that_changes_is_taken_up(self, program: str) -> None:
        """By notification, as up to 2025-11-25, and by subscription, as from 2026-07-28."""
        command = (sys.executable, str(ODD.with_name(program)))
        async with mcp_tools(McpServer(name="it", command=command)) as tools:
            before = len(tools)
            assert (await ask(by_name(tools, "grows"))).content == "grown"
            async with asyncio.timeout(60):
                await tools.refreshed(0)
            assert len(tools) == before + 1
            assert (await ask(by_name(tools, "late"))).content == "called late"

    async def test_progress_is_shown_while_a_call_is_under_way(self, tools: McpTools) -> None:
        shown: list[str] = []
        call = ToolCall(id="1", name="progress", arguments="{}")
        answer = await by_name(tools, "progress").call(call, ToolContext(emit=shown.append))
        assert answer.content == "done"
        assert shown == ["half-way\n"]


def there(path: Path) -> bool:
    return path.exists()


async def _exists(path: Path) -> None:
    for _ in range(500):
        if there(path):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{path.name} did not come")


class TestEnvironment:
    async def test_secrets_of_ours_do_not_reach_a_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        monkeypatch.setenv("GIVEN_TOKEN", "for-the-server")
        server = odd(env={"MODE": "test"}, pass_env=("GIVEN_TOKEN", "NOT_SET"))
        async with mcp_tools(server) as tools:
            told = (await ask(by_name(tools, "environment"))).content
        seen = json.loads(told)
        assert "sk-secret" not in told
        assert seen["MODE"] == "test"
        assert seen["GIVEN_TOKEN"] == "for-the-server"
        usual = {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LC_CTYPE"}
        assert set(seen) - {"MODE", "GIVEN_TOKEN"} <= usual

    async def test_nor_by_the_process_that_started_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A parent's environment can be read by its children, through /proc."""
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        async with mcp_tools(odd(str(tmp_path))):
            parent = parent_of(int((tmp_path / "pids").read_text()))
            assert parent != os.getpid()
            assert b"sk-secret" not in environment_of(parent)


class TestReaping:
    @pytest.mark.parametrize("flags", [(), ("--children",), ("--children", "--deaf")])
    async def test_the_end_of_the_block_is_the_end_of_the_server(
        self, tmp_path: Path, flags: tuple[str, ...]
    ) -> None:
        async with mcp_tools(odd(str(tmp_path), *flags)):
            pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
            assert all(map(alive, pids))
        assert await gone(*pids)

    async def test_so_is_an_exception_in_it(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="mine"):
            async with mcp_tools(odd(str(tmp_path))):
                raise RuntimeError("mine")
        assert await gone(int((tmp_path / "pids").read_text()))

    async def test_so_is_a_cancellation(self, tmp_path: Path) -> None:
        async def use() -> None:
            async with mcp_tools(odd(str(tmp_path), "--children")) as tools:
                opened.set()
                await ask(by_name(tools, "forever"))

        opened = asyncio.Event()
        task = asyncio.create_task(use())
        await opened.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await gone(*map(int, (tmp_path / "pids").read_text().split()))

    async def test_a_server_that_never_answers_is_given_up_and_ended(self, tmp_path: Path) -> None:
        server = odd(str(tmp_path), "--silent", start_timeout=2.0)
        with pytest.raises(McpError, match="did not answer within 2 seconds"):
            async with mcp_tools(server):
                pass
        assert await gone(int((tmp_path / "pids").read_text()))

    async def test_a_block_may_be_closed_by_another_task(self, tmp_path: Path) -> None:
        """As the command line does, which runs each turn on its own."""
        opening = mcp_tools(odd(str(tmp_path)))
        tools = await asyncio.create_task(opening.__aenter__())
        assert (await asyncio.create_task(ask(tools[0], text="hi"))).content == "hi"
        await asyncio.create_task(opening.__aexit__(None, None, None))
        assert await gone(int((tmp_path / "pids").read_text()))

    @pytest.mark.skipif(sys.platform == "win32", reason="a job object does this there")
    @pytest.mark.parametrize("flags", [(), ("--children", "--deaf")])
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    async def test_our_death_is_the_servers_death(
        self, tmp_path: Path, flags: tuple[str, ...], number: signal.Signals
    ) -> None:
        program = (
            "import asyncio, sys\n"
            "from agentlab_tools.mcp import McpServer, mcp_tools\n"
            "async def main():\n"
            "    server = McpServer(command=tuple(sys.argv[1:]))\n"
            "    async with mcp_tools(server):\n"
            "        print('open', flush=True)\n"
            "        await asyncio.sleep(1000)\n"
            "asyncio.run(main())\n"
        )
        command = (sys.executable, str(ODD), str(tmp_path), *flags)
        with subprocess.Popen(  # noqa: ASYNC220 - its first line is waited for, and nothing else
            [sys.executable, "-c", program, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as ours:
            assert ours.stdout is not None
            assert ours.stdout.readline() == b"open\n"
            pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
            assert all(map(alive, pids))
            ours.send_signal(number)
            assert await gone(*pids)
            ours.kill()


class TestWhatIsWrong:
    async def test_a_server_that_breaks_tells_its_last_words(self) -> None:
        with pytest.raises(McpError) as refused:
            async with mcp_tools(odd("--broken")):
                pass
        assert "odd does not work: Traceback: the database is not there" in str(refused.value)

    @pytest.mark.parametrize("command", ["no-such-program-anywhere", "/etc/passwd", "cat", "true"])
    async def test_what_is_no_server_is_one_clear_line(self, command: str) -> None:
        described = McpServer(name="it", command=(command,), start_timeout=3)
        with pytest.raises(McpError, match="the MCP server it") as refused:
            async with mcp_tools(described):
                pass
        assert "\n" not in str(refused.value)

    async def test_nobody_at_an_address_is_one_clear_line(self) -> None:
        with pytest.raises(McpError, match=r"the MCP server 127\.0\.0\.1 does not work"):
            async with mcp_tools("http://127.0.0.1:9/mcp"):
                pass

    @pytest.mark.parametrize("text", ["", "   ", "http://", "a 'b"])
    async def test_nonsense_is_refused(self, text: str) -> None:
        with pytest.raises((ConfigError, McpError)):
            async with mcp_tools(text):
                pass

    async def test_a_missing_token_is_named(self) -> None:
        server = McpServer(name="wiki", url="http://127.0.0.1:9/mcp", key_env="WIKI_TOKEN")
        with pytest.raises(MissingKey, match="set WIKI_TOKEN"):
            async with mcp_tools(server, environ={}):
                pass

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("not toml", "can't be read"),
            ("servers = 3", "must be tables"),
            ("[servers]\nx = 3", "must be a table"),
            ("[servers.x]", "either a command or a url"),
            ('[server.x]\ncommand = "a"', "[server] is not read: write [servers.NAME]"),
            ('[servers.x]\ncommand = "a"\nurl = "http://b"', "either a command or a url"),
            ('[servers.x]\nurl = "ftp://b"', "begins with http"),
            ('[servers.x]\ncommand = "a"\nfoo = 1', "foo"),
            ('[servers.x]\ncommand = "a \'b"', "quot"),
            ('[servers.x]\ncommand = "a"\nprefix = "no spaces"', "prefix"),
            ('[servers.x]\ncommand = "a"\ntimeout = 0', "timeout"),
        ],
    )
    def test_a_file_of_servers_that_is_wrong_says_where(
        self, tmp_path: Path, text: str, said: str
    ) -> None:
        file = tmp_path / "mcp.toml"
        file.write_text(text)
        with pytest.raises(ConfigError) as refused:
            load_servers(file)
        assert said in str(refused.value)
        assert "mcp.toml" in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_values_of_variables_are_not_shown(self) -> None:
        server = McpServer(command=("x",), env={"A": "sk-secret"}, headers={"B": "sk-secret"})
        assert "sk-secret" not in repr(server)

    async def test_an_unknown_name_lists_those_there_are(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path))
        (tmp_path / "mcp.toml").write_text('[servers.wiki]\nurl = "http://x/mcp"\n')
        with pytest.raises(ConfigError, match=r"no MCP server 'wikki'.*\(wiki\)"):
            async with open_tools(["mcp:wikki"]):
                pass
        with pytest.raises(ConfigError, match=r"-t mcp:NAME; there are: wiki"):
            async with open_tools(["mcp"]):
                pass
