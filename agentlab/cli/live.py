"""Going on live with a run from a log: whom to trust, whom to ask, and how it is shown."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.cli.home import open_backend, service_options, state_options
from agentlab.errors import ConfigError
from agentlab.trace import Trace, find_run

if TYPE_CHECKING:
    from rich.console import Console

    from agentlab.agent import Agent
    from agentlab.agent.run import Run
    from agentlab.approval import Decision
    from agentlab.backend import Backend
    from agentlab.messages import ToolCall, Usage
    from agentlab.plugins.equipment import Equipment

trust_option = click.option(
    "--trust", is_flag=True, help="Believe a trace from outside the folder of runs."
)
changed_tools_option = click.option(
    "--changed-tools", is_flag=True, help="Go on with tools that have changed since."
)


def open_run(runs: Path, name: str) -> tuple[Trace, bool]:
    """A run by name, and whether it is one of this folder's own."""
    trace = Trace.load(find_run(runs, name))
    return trace, trace.path.parent.resolve() == runs.resolve()


def model_of(trace: Trace, backend: str | None, *, own: bool, restore: bool = False) -> Backend:
    """The model named, or else the run's own. A stranger's trace does not choose a server.

    Args:
        restore: it goes on from what an earlier process read; else it starts cold.
    """
    from agentlab.replay.rebuild import reconnect

    name = trace.header.backend.name
    if backend is not None:
        return open_backend(backend, restore=restore)
    if not own and not name.startswith("local:"):
        raise ConfigError(
            f"this trace comes from outside and asks to talk to {name}: name that model with "
            "--backend if you mean it, or use --trust"
        )
    if service_options(name):
        return open_backend(name)
    return reconnect(trace.header.backend, **state_options(name, restore=restore))


def agent_of(
    trace: Trace, model: Backend, *, own: bool, labs: tuple[Path, ...], changed_tools: bool
) -> Agent[Any]:
    """The agent of a run. A stranger's trace does not choose what needs no consent."""
    from agentlab.approval import Policy
    from agentlab.replay.rebuild import rebuild

    agent = rebuild(trace, backend=model, labs=labs, changed_tools=changed_tools)
    return agent if own else agent.with_(approval=Policy(otherwise="ask"))


async def ask(call: ToolCall) -> Decision:
    """Ask the person at the terminal; the call is already on the screen."""
    from agentlab.approval import Decision

    answer = await asyncio.to_thread(input, "  allow it? [y/N] ")
    if answer.strip().lower() in ("y", "yes"):
        return Decision(verdict="allow")
    return Decision(verdict="deny", reason="the user said no")


def approver() -> Callable[[ToolCall], Awaitable[Decision]] | None:
    """Who answers for the person: nobody in a pipe, so that the run pauses."""
    return ask if sys.stdin.isatty() else None


def go_on(
    start: Callable[[Any], Run[Any]],
    equipment: AbstractAsyncContextManager[Equipment],
    backend: Backend,
    console: Console,
    *,
    past: bool = False,
) -> int:
    """Start a run with what its tools need, and show it. Returns an exit code.

    Args:
        start: gets the tools' `deps`.
        past: leave out what the run begins with.
    """

    async def work() -> int:
        try:
            async with equipment as equipped:
                run = start(equipped.deps)
                if past:
                    console.print(f"[dim]{run.opened} events from the log, then live[/]")
                usage = await _shown(run, console, run.opened if past else 0)
        finally:
            await backend.aclose()
        console.print(f"[dim]{usage_line(usage)}[/]")
        console.print(f"run {run.id}")
        if isinstance(run.state.transcript.end, RunFailed):
            return 1
        result = run.result()
        if result.outcome == "paused":
            waiting = run.state.transcript.waiting
            console.print(f"[yellow]it waits for a word on {len(waiting)} call(s):[/]")
            for call in waiting:
                command = f"agentlab resume {run.id} --allow {quote(one_line(call.id))}"
                console.print(f"  {command}", markup=False)
        return 0 if result.outcome == "completed" else 1

    from shlex import quote

    from agentlab.display import one_line
    from agentlab.events import RunFailed

    return asyncio.run(work())


async def _shown(run: Run[Any], console: Console, skip: int) -> Usage:
    """Write a run's events, but the first few; returns what those written cost."""
    from agentlab.cli.render import EventPrinter
    from agentlab.events import LiveEvent, ModelReplied
    from agentlab.messages import Usage

    printer, usage = EventPrinter(console), Usage()
    async for event in run:
        if skip and not isinstance(event, LiveEvent):
            skip -= 1
            continue
        printer.show(event)
        if isinstance(event, ModelReplied):
            usage += event.reply.usage
    return usage


def usage_line(usage: Usage) -> str:
    """Tokens of what was newly run: `120 tokens in (96 cached), 14 out`."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out"


def split_setting(pairs: Iterable[str]) -> dict[str, Any]:
    """`name=value` pairs, values as JSON where they are, else as text."""
    from pydantic_core import from_json

    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair}: write it as name=value, e.g. temperature=0")
        try:
            values[name] = from_json(text)
        except ValueError:
            values[name] = text
    return values
