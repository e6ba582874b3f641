"""`agentlab replay`: a run played back from its log, or run again to check it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.cli.live import changed_tools_option, open_run, trust_option
from agentlab.display import counted
from agentlab.errors import ConfigError
from agentlab.places.trust import agent_of, model_of
from agentlab.terminal.completion import run_names
from agentlab.terminal.options import backend_option, labs_option, runs_option

if TYPE_CHECKING:
    from rich.console import Console

    from agentlab.backend import Backend
    from agentlab.replay import Verification
    from agentlab.trace import Record, Trace


@click.command()
@click.argument("run", default="last", shell_complete=run_names)
@runs_option
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="1 keeps the original pace; 2 is twice as fast.",
)
@click.option("--step", is_flag=True, help="Wait for Enter after each event.")
@click.option("--from", "from_", type=int, help="Number of the first event to play.")
@click.option("--to", type=int, help="Number of the last event to play.")
@click.option("--full", is_flag=True, help="Show long texts in full.")
@click.option("--verify", is_flag=True, help="Run it again, and show the first difference.")
@click.option(
    "--recorded",
    type=click.Choice(["model", "tools"]),
    multiple=True,
    help="With --verify: take these from the log.",
)
@backend_option
@labs_option
@changed_tools_option
@trust_option
def replay(
    run: str,
    runs: Path,
    speed: float | None,
    step: bool,
    from_: int | None,
    to: int | None,
    full: bool,
    verify: bool,
    recorded: tuple[str, ...],
    backend: str | None,
    labs: tuple[Path, ...],
    changed_tools: bool,
    trust: bool,
) -> int:
    """Play RUN back from its log, running no model and no tool.

    With --verify it runs again, on the real model with the real tools, and is compared event by
    event (a local model's replies token by token). Exits with 1 if anything differs.
    """
    from agentlab.terminal.consoles import console as open_console

    trace, own = open_run(runs, run)
    console = open_console()
    if not verify:
        if recorded:
            raise ConfigError("--recorded goes with --verify: a replay is all from the log")
        return asyncio.run(_play(trace, console, speed, step, from_, to, full))
    # a stranger's log does not get tools to run
    own = own or trust
    recorded_parts = {*recorded, *(() if own else ("tools",))}
    model = None if "model" in recorded_parts else model_of(trace, backend, own=own)
    return asyncio.run(_check(trace, console, recorded_parts, model, labs, changed_tools))


async def _play(
    trace: Trace,
    console: Console,
    speed: float | None,
    step: bool,
    from_: int | None,
    to: int | None,
    full: bool,
) -> int:
    from agentlab.cli.timeline import Rows, print_heading
    from agentlab.events import LiveEvent, TextDelta
    from agentlab.replay.serve import between, replay

    print_heading(console, trace)
    rows = Rows(console, trace, full=full)
    records = iter(between(trace, from_, to))
    count = 0
    events = replay(trace, speed=speed, from_=from_, to=to, deltas=speed is not None)
    async for event in events:
        if isinstance(event, TextDelta):
            rows.say(event.text)
        if isinstance(event, LiveEvent):
            continue
        record = next(records)
        if event != record.event:
            raise AssertionError(f"event {record.seq} was not served as it is in the log")
        rows.show(record)
        count += 1
        if step and not _wait(record):
            break
    console.print(f"[green]✔[/] {counted(count, 'event')}, each as it is in the log")
    return 0


def _wait(record: Record) -> bool:
    """Let the reader say when to go on; False where they leave."""
    if not sys.stdin.isatty():
        return True
    answer = click.prompt(
        click.style(f"[{record.seq}] Enter continues, q quits", dim=True),
        default="",
        show_default=False,
        prompt_suffix=" ",
    )
    return answer.strip().lower() not in ("q", "quit")


async def _check(
    trace: Trace,
    console: Console,
    recorded: set[str],
    model: Backend | None,
    labs: tuple[Path, ...],
    changed_tools: bool,
) -> int:
    from agentlab.plugins.equipment import no_equipment
    from agentlab.replay.rebuild import equipment_of
    from agentlab.replay.recorded import RecordedBackend
    from agentlab.replay.verify import verify

    there = model or RecordedBackend(trace.header.backend, ())
    agent = None
    if "tools" not in recorded:
        agent = agent_of(trace, there, own=True, labs=labs, changed_tools=changed_tools)
    equipment = equipment_of(trace.header, labs=labs) if agent else no_equipment()
    try:
        async with equipment as equipped:
            verification = await verify(
                trace,
                agent,
                backend=there,
                model="log" if "model" in recorded else "run",
                tools="log" if "tools" in recorded else "run",
                deps=equipped.deps,
            )
    finally:
        await there.aclose()
    print_verification(console, verification)
    return 0 if verification.same else 1


def print_verification(console: Console, verification: Verification) -> None:
    """Say what differs, both sides, or that nothing does."""
    from rich.text import Text

    from agentlab.display import one_line, safe

    for note in verification.notes:
        console.print(Text(f"! {one_line(note, 300)}", "yellow"))
    wrong = verification.difference
    if wrong is None:
        console.print(
            f"[green]✔[/] {verification.checked} of {verification.total} events came again"
        )
        return
    place = "" if wrong.seq is None else f"event {wrong.seq}: "
    console.print(f"[red]✘[/] {place}{safe(wrong.what)} differs", markup=True)
    for mark, style, lines in (("-", "red", wrong.then), ("+", "green", wrong.now)):
        for line in lines or ("(nothing)",):
            console.print(Text(f"{mark} {safe(line)}", style), soft_wrap=True)
    console.print(f"[dim]{counted(verification.checked, 'event')} before it came again[/]")
