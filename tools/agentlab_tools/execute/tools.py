"""The agent's tools: run Python or shell code in a sandbox, and handle the files there.

    async with Sandbox.open(packages=("numpy", "matplotlib")) as sandbox:
        agent = Agent(backend=backend, tools=sandbox_tools(sandbox))

`sandbox_tools` ties the tools to one sandbox, so one conversation keeps its variables to itself.
The tools of this module's own names are for where nobody opens a sandbox, as on the command line:
they use `deps`, if that is a `Sandbox`, else one that all runs on the event loop share, opened when
first needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from pydantic import Field

from agentlab.errors import AgentLabError, ToolError
from agentlab.tooling import Tool, ToolContext, tool
from agentlab_tools.execute.sandbox import Sandbox
from agentlab_tools.execute.text import display_safe
from agentlab_tools.execute.values import MB, CellResult, Stream

USUAL_PACKAGES = ("numpy", "pandas", "matplotlib")
_SHOWN = 256 * 1024
_LISTED = 200
_NO_LIMIT = None  # the sandbox has its own, and tells what came of the cell

Opened = Callable[[ToolContext], Awaitable[Sandbox]]


def sandbox_tools(sandbox: Sandbox) -> tuple[Tool[Any], ...]:
    """`run_python`, `run_shell`, the three for files, and `restart_python`, in this sandbox."""

    async def opened(_context: ToolContext) -> Sandbox:
        return sandbox

    return _tools(opened)


class _Shared:
    """One sandbox for each event loop, opened when first needed."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[
            asyncio.AbstractEventLoop, asyncio.Task[tuple[Sandbox, AsyncExitStack]]
        ] = WeakKeyDictionary()

    async def get(self, context: ToolContext) -> Sandbox:
        if isinstance(context.deps, Sandbox):
            return context.deps
        loop = asyncio.get_running_loop()
        if loop not in self._open or _failed(self._open[loop]):
            self._open[loop] = loop.create_task(self._begin())
        return (await asyncio.shield(self._open[loop]))[0]

    async def close(self) -> None:
        task = self._open.pop(asyncio.get_running_loop(), None)
        if task is not None and not _failed(task):
            await (await task)[1].aclose()

    async def _begin(self) -> tuple[Sandbox, AsyncExitStack]:
        packages = tuple(name for name in USUAL_PACKAGES if find_spec(name) is not None)
        stack = AsyncExitStack()
        opened = Sandbox.open(packages=packages, spare=False)
        return await stack.enter_async_context(opened), stack


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def close_shared() -> None:
    """End the sandbox that the tools of this module's names opened on this event loop, if any.

    Where nobody calls this, it ends with the program.
    """
    await _shared.close()


def _tools(opened: Opened) -> tuple[Tool[Any], ...]:
    async def sandbox_of(context: ToolContext) -> Sandbox:
        try:
            return await opened(context)
        except AgentLabError as error:
            raise ToolError(str(error)) from error

    @tool(timeout=_NO_LIMIT)
    async def run_python(
        code: Annotated[str, Field(description="Python code; its last expression is shown")],
        context: ToolContext,
    ) -> str:
        """Run Python code. Variables stay for the next call. Plots are kept as pictures."""
        sandbox = await sandbox_of(context)
        result = await sandbox.run_python(code, on_output=_shower(context))
        for number, figure in enumerate(result.figures, 1):
            context.attach(f"figure-{number}.png", figure, "image/png")
        return _told(result)

    @tool(timeout=_NO_LIMIT)
    async def run_shell(
        command: Annotated[str, Field(description="a bash command")], context: ToolContext
    ) -> str:
        """Run a shell command in the workspace. There is no network."""
        sandbox = await sandbox_of(context)
        return _told(await sandbox.run_shell(command, on_output=_shower(context)))

    @tool
    async def read_file(path: str, context: ToolContext) -> str:
        """Read a text file of the workspace."""
        sandbox = await sandbox_of(context)
        try:
            data = await sandbox.read_file(path, limit=4 * MB)
        except AgentLabError as error:
            raise ToolError(str(error)) from error
        if b"\0" in data:
            context.attach(path.rpartition("/")[2], data, "application/octet-stream")
            return f"{path} is not text: its {len(data):,} bytes are attached"
        return data.decode("utf-8", "replace")

    @tool
    async def write_file(path: str, content: str, context: ToolContext) -> str:
        """Write a text file in the workspace; what was there before is replaced."""
        sandbox = await sandbox_of(context)
        try:
            await sandbox.write_file(path, content)
        except AgentLabError as error:
            raise ToolError(str(error)) from error
        return f"wrote {len(content.encode('utf-8', 'replace')):,} bytes to {path}"

    @tool
    async def list_files(context: ToolContext) -> str:
        """List the files of the workspace."""
        sandbox = await sandbox_of(context)
        files = await sandbox.list_files()
        lines = [f"{_in_a_list(file.path)}  {file.size:,} bytes" for file in files[:_LISTED]]
        if len(files) > _LISTED:
            lines.append(f"… and {len(files) - _LISTED:,} more")
        return "\n".join(lines) or "there are no files yet"

    @tool
    async def restart_python(context: ToolContext) -> str:
        """Begin anew with a fresh Python. Variables are lost; files are kept."""
        sandbox = await sandbox_of(context)
        try:
            await sandbox.restart()
        except AgentLabError as error:
            raise ToolError(str(error)) from error
        return "Python was started anew: variables are gone, files are kept"

    return run_python, run_shell, read_file, write_file, list_files, restart_python


def _in_a_list(path: str) -> str:
    """A path that takes one line: a name with a line's end in it makes no second entry."""
    return display_safe(path).replace("\n", "\\n")


def _shower(context: ToolContext) -> Callable[[Stream, str], None]:
    shown = 0

    def show(_stream: Stream, text: str) -> None:
        nonlocal shown
        if shown < _SHOWN:
            context.emit(display_safe(text))
        shown += len(text)

    return show


def _told(result: CellResult) -> str:
    """A result as a model reads it.

    Raises:
        ToolError: the code failed; the text holds all that was seen of it.
    """
    parts = [result.stdout.rstrip("\n")]
    if result.stdout_truncated:
        parts.append("[more was printed than is kept]")
    if result.stderr:
        parts.append(f"stderr: {result.stderr.rstrip()}")
    if result.stderr_truncated:
        parts.append("[more was printed to stderr than is kept]")
    if result.value is not None:
        parts.append(result.value)
    if result.figures:
        count = len(result.figures)
        parts.append(f"[{count} figure{'s' if count > 1 else ''} drawn]")
    if result.figures_dropped:
        parts.append(f"[{result.figures_dropped} figures too many or too large were dropped]")
    if result.state_lost and result.outcome == "ok":
        parts.append("[the interpreter had ended: variables from before are gone]")
    if result.error is not None:
        parts.append(result.error.rstrip())
    text = display_safe("\n".join(part for part in parts if part))
    if result.outcome != "ok":
        raise ToolError(text)
    return text or "done; nothing was printed"


_shared = _Shared()
run_python, run_shell, read_file, write_file, list_files, restart_python = _tools(_shared.get)
