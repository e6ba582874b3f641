"""The agent's tools, and the command line."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agentlab.messages import ToolCall, ToolResult
from agentlab.tooling import Tool, ToolContext
from agentlab_tools.execute import Sandbox, SandboxLimits, cli, printed_by, tools
from agentlab_tools.execute.equipment import sandbox_with


@pytest.fixture
async def opened() -> AsyncGenerator[dict[str, Tool[Any]]]:
    limits = SandboxLimits(timeout=5, grace=0.5)
    async with Sandbox.open(limits=limits, spare=False) as sandbox:
        yield {tool.name: tool for tool in tools.sandbox_tools(sandbox)}


async def call(tool: Tool[Any], context: ToolContext | None = None, **arguments: Any) -> ToolResult:
    request = ToolCall(id="1", name=tool.name, arguments=json.dumps(arguments))
    return await tool.call(request, context or ToolContext())


async def test_python_keeps_variables_between_calls(opened: dict[str, Tool[Any]]) -> None:
    await call(opened["run_python"], code="x = 20\nprint('set')")
    result = await call(opened["run_python"], code="print('now')\nx + 22")
    assert (result.content, result.error) == ("now\n42", None)


async def test_an_error_goes_back_with_all_that_was_printed(opened: dict[str, Tool[Any]]) -> None:
    result = await call(opened["run_python"], code="print('before')\n1 / 0")
    assert result.error == "tool_error"
    assert result.content.startswith("before\n")
    assert "ZeroDivisionError" in result.content


async def test_silence_is_said(opened: dict[str, Tool[Any]]) -> None:
    assert "nothing was printed" in (await call(opened["run_python"], code="x = 1")).content


async def test_files_are_shared_by_all_tools(opened: dict[str, Tool[Any]]) -> None:
    assert "no files yet" in (await call(opened["list_files"])).content
    await call(opened["write_file"], path="src/a.py", content="print(6 * 7)")
    assert (await call(opened["run_shell"], command="python3 src/a.py")).content == "42"
    assert (await call(opened["list_files"])).content == "src/a.py  12 bytes"
    assert (await call(opened["read_file"], path="src/a.py")).content == "print(6 * 7)"
    missing = await call(opened["read_file"], path="none")
    assert (missing.error, missing.content) == ("tool_error", "there is no none in the workspace")
    outside = await call(opened["write_file"], path="../x", content="")
    assert outside.error == "tool_error"


async def test_a_name_is_one_line_of_a_list_whatever_it_holds(opened: dict[str, Tool[Any]]) -> None:
    names = [
        b"a\nreport.csv  9 bytes",
        b"\x1b]0;owned\x07",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\r",
        b" ",
    ]
    code = f"import os\nfor name in {names}: os.close(os.open(name, os.O_CREAT))"
    assert (await call(opened["run_python"], code=code)).error is None
    listed = (await call(opened["list_files"])).content
    assert len(listed.encode().splitlines()) == len(names)
    assert "\\nreport.csv" in listed
    assert all(character.isprintable() or character == "\n" for character in listed)


async def test_a_failed_command_tells_its_status(opened: dict[str, Tool[Any]]) -> None:
    result = await call(opened["run_shell"], command="echo oops >&2; exit 3")
    assert (result.content, result.error) == ("stderr: oops\nexit status 3", "tool_error")


async def test_escape_sequences_reach_neither_screen_nor_model(
    opened: dict[str, Tool[Any]],
) -> None:
    shown: list[str] = []
    code = r"print('\x1b[2Jplain\x1b]0;title\x07')"
    result = await call(opened["run_python"], ToolContext(emit=shown.append), code=code)
    assert result.content == "plain"
    assert "".join(shown) == "plain\n"


async def test_a_lost_interpreter_is_told(opened: dict[str, Tool[Any]]) -> None:
    result = await call(opened["run_python"], code="import os; os._exit(1)")
    assert result.error == "tool_error"
    assert "Variables are lost; files are kept" in result.content


async def test_python_can_be_started_anew(opened: dict[str, Tool[Any]]) -> None:
    await call(opened["run_python"], code="x = 1; open('kept', 'w').close()")
    assert "variables are gone" in (await call(opened["restart_python"])).content
    assert "NameError" in (await call(opened["run_python"], code="x")).content
    assert "kept" in (await call(opened["list_files"])).content


async def test_figures_are_attached() -> None:
    async with Sandbox.open(packages=("matplotlib",), spare=False) as sandbox:
        run_python = tools.sandbox_tools(sandbox)[0]
        code = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
        result = await call(run_python, code=code)
    assert result.content == "[1 figure drawn]"
    assert [(a.name, a.media_type) for a in result.artifacts] == [("figure-1.png", "image/png")]
    assert result.artifacts[0].blob.read().startswith(b"\x89PNG")


async def test_the_tools_by_name_use_the_given_sandbox() -> None:
    async with Sandbox.open(spare=False) as sandbox:
        await sandbox.run_python("x = 7")
        assert (await call(tools.run_python, ToolContext(deps=sandbox), code="x")).content == "7"


async def test_the_tools_by_name_share_one_sandbox_where_none_is_given() -> None:
    try:
        await call(tools.run_python, code="x = 5")
        assert (await call(tools.run_python, code="x")).content == "5"
        assert (await call(tools.write_file, path="f", content="x")).error is None
    finally:
        await tools.close_shared()


def test_the_command_line_runs_python_and_bash() -> None:
    runner = CliRunner()
    done = runner.invoke(cli.sandbox, ["python", "-c", "print('hi'); 6 * 7"])
    assert done.output == "hi\n42\n", done.output
    done = runner.invoke(cli.sandbox, ["python", "-c", "1 / 0"], standalone_mode=False)
    assert done.return_value == 1
    assert "ZeroDivisionError" in done.output
    done = runner.invoke(cli.sandbox, ["bash", "-c", "echo $((6 * 7))"])
    assert done.output == "42\n"


def test_the_prompt_keeps_variables_and_shows_the_level() -> None:
    done = CliRunner().invoke(
        cli.sandbox, ["python"], input="x = 3\nfor i in range(x):\n  print('n', i)\n\nx + 1\n"
    )
    assert "level " in done.output
    assert "network: none" in done.output
    assert "n 2\n" in done.output
    assert "4\n" in done.output


def test_check_attacks_this_machine() -> None:
    runner = CliRunner()
    done = runner.invoke(cli.sandbox, ["check", "read-file", "tcp"], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "2 attacks held, 0 escaped" in done.output
    wrong = runner.invoke(cli.sandbox, ["check", "no-such-attack"])
    assert "no attack called no-such-attack" in wrong.output


async def test_a_labs_sandbox_has_its_files_and_its_threads(tmp_path: Path) -> None:
    (tmp_path / "engine.txt").write_text("ANSWER = 42\n")
    files = {"engine.py": tmp_path / "engine.txt"}
    async with sandbox_with("numpy", timeout=20, threads=1, files=files)() as equipment:
        code = "import engine, os; print(engine.ANSWER, os.environ['OPENBLAS_NUM_THREADS'])"
        assert await printed_by(equipment.deps, code) == "42 1\n"
        assert equipment.labels["sandbox"]
