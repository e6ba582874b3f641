"""Going on live with a run from a log: whom to trust, whom to ask, and how it is shown."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentlab.display import counted
from agentlab.places.trust import is_own
from agentlab.trace import Trace, find_run

if TYPE_CHECKING:
    from rich.console import Console

    from agentlab.agent.run import Run
    from agentlab.approval import Decision, Filled, Form
    from agentlab.backend import Backend
    from agentlab.messages import ToolCall, Usage
    from agentlab.plugins.equipment import Equipment

trust_option = click.option(
    "--trust", is_flag=True, help="Trust a trace from outside the folder of runs."
)
changed_tools_option = click.option(
    "--changed-tools", is_flag=True, help="Continue even with tools that have changed since."
)


def open_run(runs: Path, name: str) -> tuple[Trace, bool]:
    """A run by name, and whether it is one of this folder's own."""
    trace = Trace.load(find_run(runs, name))
    return trace, is_own(trace, runs)


async def ask(call: ToolCall) -> Decision:
    """Ask the person at the terminal; the call is already on the screen."""
    from agentlab.approval import Decision

    answer = await asyncio.to_thread(input, "  allow it? [y/N] ")
    if answer.strip().lower() in ("y", "yes"):
        return Decision(verdict="allow")
    return Decision(verdict="deny", reason="the user said no")


class AtTerminal:
    """Answers for the person at the terminal, by asking them."""

    async def __call__(self, call: ToolCall) -> Decision:
        """Whether a call may be made."""
        return await ask(call)

    async def fill(self, form: Form) -> Filled:
        """What they fill in."""
        from agentlab.cli.forms import fill_in

        return await asyncio.to_thread(fill_in, form)


def approver() -> AtTerminal | None:
    """Who answers for the person: nobody in a pipe, so that the run pauses."""
    return AtTerminal() if sys.stdin.isatty() else None


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
                    console.print(f"[dim]{counted(run.opened, 'event')} from the log, then live[/]")
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
            console.print(f"[yellow]it is waiting for your decision on {len(waiting)} call(s):[/]")
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
