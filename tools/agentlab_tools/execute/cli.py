"""`agentlab sandbox`: try the sandbox by hand, or attack it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from agentlab.tooling.threads import in_thread
from agentlab_tools.execute.source import NAMES
from agentlab_tools.execute.text import display_safe
from agentlab_tools.execute.values import CellResult, SandboxInfo, SandboxLimits, Stream

F = TypeVar("F", bound=Callable[..., Any])
_MARKS = {"strong": "green", "medium": "yellow", "none": "red"}


@click.group()
def sandbox() -> None:
    """Run code where it can do no harm, or test what confines it."""


def _options(function: F) -> F:
    for option in (
        click.option(
            "--backend",
            type=click.Choice(NAMES),
            default="auto",
            show_default=True,
            help="What confines the code; auto takes the strongest that works here.",
        ),
        click.option("--accept-none", is_flag=True, help="Agree to run with no sandbox at all."),
        click.option("--allow", "hosts", multiple=True, help="A host that the code may reach."),
        click.option(
            "-p", "--package", "packages", multiple=True, help="A package to make available."
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0.1),
            default=30.0,
            show_default=True,
            help="Most seconds each piece of code may take.",
        ),
        click.option(
            "-w",
            "--workspace",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="A folder to copy into the sandbox.",
        ),
    ):
        function = option(function)
    return function


def _run(function: Callable[..., Coroutine[Any, Any, int]]) -> Callable[..., int]:
    @wraps(function)
    def run(*arguments: Any, **options: Any) -> int:
        return asyncio.run(function(*arguments, **options))

    return run


@sandbox.command()
@click.option("-c", "--code", help="Run this and exit.")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True))
@_options
@_run
async def python(code: str | None, file: Path | None, **options: Any) -> int:
    """Run Python in a sandbox: a prompt, or the code of -c or FILE. Variables persist."""
    if file is not None:
        code = await asyncio.to_thread(file.read_text, "utf-8")
    return await _serve("python", code, **options)


@sandbox.command()
@click.option("-c", "--code", help="Run this and exit.")
@_options
@_run
async def bash(code: str | None, **options: Any) -> int:
    """Run Bash in a sandbox: a prompt, or the command of -c. Files persist, `cd` does not."""
    return await _serve("bash", code, **options)


@sandbox.command()
@click.option(
    "--backend",
    type=click.Choice(NAMES[:-1]),
    default="auto",
    show_default=True,
    help="What to attack; auto takes the strongest that works here.",
)
@click.argument("names", nargs=-1)
@_run
async def check(backend: str, names: tuple[str, ...]) -> int:
    """Attack this machine's sandbox and report what held. NAMES choose attacks."""
    from agentlab_tools.execute import attacks  # keeps the prompt quick
    from agentlab_tools.execute.sandbox import Sandbox

    async with Sandbox.open(backend=backend, spare=False) as opened:
        _introduce(opened.describe())
    chosen = [attack for attack in attacks.ATTACKS if not names or attack.name in names]
    if not chosen:
        raise click.UsageError(f"no attack called {', '.join(names)}")
    escaped = held = 0
    async for verdict in attacks.run(chosen, backend):
        held, escaped = held + (not verdict.succeeded), escaped + verdict.succeeded
        word = click.style("escaped", fg="red") if verdict.succeeded else "held   "
        click.echo(f"{word}  {verdict.attack.name:24} {verdict.attack.tries}")
    click.echo(f"{held} attacks held, {escaped} escaped")
    if len(chosen) > held + escaped:
        click.echo(f"{len(chosen) - held - escaped} not tried: only a stronger level holds them")
    return 1 if escaped else 0


async def _serve(
    language: str,
    code: str | None,
    *,
    backend: str,
    accept_none: bool,
    hosts: tuple[str, ...],
    packages: tuple[str, ...],
    timeout: float,
    workspace: Path | None,
) -> int:
    from agentlab_tools.execute.sandbox import Sandbox  # keeps --help quick

    async with Sandbox.open(
        backend=backend,
        accept_none=accept_none,
        allow_hosts=hosts,
        packages=packages,
        limits=SandboxLimits(timeout=timeout),
        workspace=workspace,
        spare=code is None,
    ) as opened:
        run = partial(
            opened.run_python if language == "python" else opened.run_shell, on_output=_print
        )
        if code is None:
            _introduce(opened.describe())
        while True:
            text = code if code is not None else await in_thread(partial(_ask, language))
            if text is None:
                return 0
            cell = asyncio.ensure_future(run(text))
            try:
                result = await asyncio.shield(cell)
            except asyncio.CancelledError:  # Ctrl-C stops the cell, and the program with -c
                opened.interrupt()
                result = await cell
                if (task := asyncio.current_task()) is not None:
                    task.uncancel()
            status = _report(result)
            if code is not None:
                return status


def _ask(language: str) -> str | None:
    """What a person types: a line, or, where it opens a block, all lines up to an empty one."""
    try:
        lines = [input(">>> " if language == "python" else "$ ")]
        while language == "python" and lines[-1].strip() and _goes_on("\n".join(lines)):
            lines.append(input("... "))
    except EOFError:
        click.echo()
        return None
    return "\n".join(lines)


def _goes_on(text: str) -> bool:
    from codeop import compile_command

    try:
        return compile_command(text) is None
    except (SyntaxError, ValueError, OverflowError):
        return False


def _introduce(info: SandboxInfo) -> None:
    level = click.style(info.level, fg=_MARKS[info.level], bold=True)
    click.echo(f"sandbox: {info.backend}, level {level}: {info.about}")
    click.echo(f"network: {', '.join(info.network) or 'none'}")


def _print(stream: Stream, text: str) -> None:
    click.echo(display_safe(text), nl=False, err=stream == "stderr")


def _report(result: CellResult) -> int:
    if result.truncated:
        click.echo("[cut: more came than is kept]", err=True)
    if result.value is not None:
        click.echo(display_safe(result.value))
    if result.figures:
        click.echo(f"[{len(result.figures)} figures]", err=True)
    if result.error is not None:
        click.echo(display_safe(result.error).rstrip(), err=True)
    sys.stdout.flush()
    return 0 if result.outcome == "ok" else 1
