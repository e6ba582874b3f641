"""The lab's tools, and the sandbox they work in: fresh for every run, with bash in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from pydantic import Field

from agentlab.errors import ConfigError, ToolError
from agentlab.labs import Equipment
from agentlab.tooling import ToolContext, tool
from agentlab_tools.execute import Sandbox, SandboxLimits, WorkspaceError, display_safe
from agentlab_tools.execute.equipment import equipped

from .logs import all_logs

_SECONDS = 10.0
_PLACE = ".script"
"""Where the script and what it prints lie, beside the folder it is tried on."""
_SHOWN = 2000


@asynccontextmanager
async def sandbox() -> AsyncGenerator[Equipment]:
    """A sandbox with bash in it; its strength stands in the trace.

    Raises:
        ConfigError: there is no bash.
    """
    async with Sandbox.open(limits=SandboxLimits(timeout=_SECONDS), spare=False) as opened:
        if (await opened.run_shell('test -n "$BASH_VERSION"')).outcome != "ok":
            raise ConfigError("this lab needs bash inside the sandbox, and there is none here")
        yield equipped(opened)


@tool(timeout=60)
async def run_script(code: str, context: ToolContext) -> str:
    """Take a bash script first; then run it on a folder, and see what it does.

    The last line of what is returned is for the grader: the exit status, what was printed, and
    whether any file was made, changed or lost.
    """
    opened: Sandbox = context.deps
    if opened not in _scripts:
        _scripts[opened] = code
        return "ready"
    told: dict[str, Any] = json.loads(code)
    folder: str = told["folder"]
    await _lay_out(opened, folder, told)
    await opened.write_file(f"{_PLACE}/answer.sh", _scripts[opened])
    await opened.write_file(f"{_PLACE}/stdin", told["stdin"])
    before = await _files(opened)
    streams = f"< {_PLACE}/stdin > {_PLACE}/out 2> {_PLACE}/err"
    result = await opened.run_shell(f"bash {_PLACE}/answer.sh {shlex.quote(folder)} {streams}")
    if result.outcome not in ("ok", "error"):
        raise ToolError(f"it did not end within {_SECONDS:.0f} seconds")
    status = 0 if result.error is None else _status(result.error)
    out, err = [await _printed(opened, name) for name in ("out", "err")]
    found = {"status": status, "out": out, "err": err, "touched": await _files(opened) != before}
    shown = [f"$ bash answer.sh {shlex.quote(folder)}", out, err, f"exit status {status}"]
    text = display_safe("\n".join(part[:_SHOWN].rstrip("\n") for part in shown if part))
    return f"{text}\n{json.dumps(found)}"


@tool(timeout=60)
async def shell(
    command: Annotated[str, Field(description="a bash command", max_length=120)],
    context: ToolContext,
) -> str:
    """Run a bash command in the folder of the logs."""
    opened: Sandbox = context.deps
    if opened not in _with_logs:
        _with_logs[opened] = True
        writes = "\n".join(
            f"open({name!r}, 'w').write({text!r})" for name, text in all_logs().items()
        )
        await opened.run_python(f"{writes}\nNone")
    result = await opened.run_shell(command, timeout=_SECONDS)
    printed = [result.stdout.strip("\n"), result.stderr.strip("\n")]
    text = display_safe("\n".join(part[:_SHOWN] for part in printed if part))
    if result.outcome != "ok":
        raise ToolError(text or result.error or "it failed")
    return text


async def _lay_out(opened: Sandbox, folder: str, told: dict[str, Any]) -> None:
    """Make the folder, its files, and what may not be read."""
    if told["missing"]:
        return
    await opened.run_shell(f"mkdir -- {shlex.quote(folder)}")
    for name, text in told["files"].items():
        await opened.write_file(f"{folder}/{name}", text)
    for name in told["closed"]:
        await opened.run_shell(f"chmod 0 -- {shlex.quote(f'{folder}/{name}')}")


async def _files(opened: Sandbox) -> object:
    listed = await opened.list_files()
    return sorted((f.path, f.size) for f in listed if not f.path.startswith(f"{_PLACE}/"))


async def _printed(opened: Sandbox, name: str) -> str:
    try:
        return (await opened.read_file(f"{_PLACE}/{name}")).decode("utf-8", "replace")
    except WorkspaceError as error:
        raise ToolError(f"what it printed can't be read: {error}") from error


def _status(error: str) -> int:
    """The exit status in a sandbox's words; as a shell counts, where a signal ended it."""
    *words, number = error.split()
    return int(number) + (128 if "signal" in words else 0)


_scripts: WeakKeyDictionary[Sandbox, str] = WeakKeyDictionary()
_with_logs: WeakKeyDictionary[Sandbox, bool] = WeakKeyDictionary()
