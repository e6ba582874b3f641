"""An improvement in the terminal: how it goes, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from agentlab.display import counted, one_line
from agentlab.terminal.intervals import NARROW, bounds_of, interval_bar
from agentlab.trace.results import RunResult
from agentlab_tools.improve.findings import Change, Findings
from agentlab_tools.train.jobs import Job, Jobs
from agentlab_tools.train.screen import follow

STYLES = {"better": "green", "not shown": "yellow", "worse": "red", "nothing chosen": "yellow"}
STAGES = {
    "choose-first": "the first model, on the questions for choosing",
    "test-first": "the first model, on the test",
}


def _unheard(_: RunResult) -> None:
    """Nobody looks."""


class Screen:
    """Tells on stderr how an improvement goes."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        columns: tuple[Any, ...] = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        shown = self._console.is_terminal and not quiet
        self._progress = Progress(
            *columns, console=self._console, transient=True, disable=not shown
        )

    def said(self, text: str) -> None:
        """A line."""
        self._console.print(Text(text))

    def asking(self, stage: str, left: int) -> Callable[[RunResult], None]:
        """A bar while an evaluation runs."""
        if not left:
            return _unheard
        words = STAGES.get(stage, stage)
        if not self._console.is_terminal:
            self.said(f"asking: {words} ({counted(left, 'run')})")
        bar = self._progress.add_task(words, total=left)
        self._progress.start()
        done = 0

        def told(_: RunResult) -> None:
            nonlocal done
            done += 1
            self._progress.advance(bar)
            if done == left:
                self._progress.stop()
                self._progress.remove_task(bar)

        return told

    async def training(self, stage: str, jobs: Jobs, job: Job) -> Job:
        """A job and its loss curve until it ends."""
        self._progress.stop()
        self.said(f"training: {stage} (job {job.short})")
        return await asyncio.to_thread(follow, self._console, jobs.open(job.id))


def print_findings(console: Console, findings: Findings, where: str) -> None:
    """What came of it."""
    console.print(Text(findings.claim, f"bold {STYLES[findings.verdict]}"))
    console.print(Text(f"{findings.task}, from {one_line(findings.backend)}", "dim"))
    console.print()
    changes = {"the task": findings.change} if findings.change else {}
    changes |= findings.also
    if changes:
        console.print(_changes(changes))
        console.print()
    for one in findings.talk:
        style = "red" if one.change > findings.bound else "dim"
        line = f"plain talk ({one.kind}): perplexity {one.before:.2f} → {one.after:.2f}"
        console.print(Text(f"{line}, {one.change:+.1%}", style))
    for cost in findings.costs:
        console.print(Text(f"it costs elsewhere: {cost}", "red"))
    console.print()
    for number, one in enumerate(findings.rounds, 1):
        console.print(
            Text(
                f"round {number}: {one.right} of {one.tried} tries right, on {one.answered} of "
                f"{one.questions} questions; learnt from {one.chats} conversations and "
                f"{one.pairs} pairs",
                "dim",
            )
        )
    console.print(_candidates(findings))
    asked = f"{counted(findings.usage.total_tokens, 'token')} in {findings.asking_seconds:,.0f} s"
    console.print(Text(f"\nasked {asked}, trained {findings.training_seconds:,.0f} s", "dim"))
    chosen = next((c for c in findings.candidates if c.name == findings.best), None)
    if chosen is not None:
        console.print(Text(f"talk to it: agentlab chat -b {chosen.model}", "dim"), soft_wrap=True)
    console.print(Text(f"all traces and numbers: {where}", "dim"), soft_wrap=True)


def _changes(changes: dict[str, Change]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("test", overflow="fold")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    table.add_column("difference, 95 %", no_wrap=True)
    half = " " * (NARROW // 2 - 1)
    table.add_column(f"-{half}0{half}+", no_wrap=True)
    table.add_column("+ / -", justify="right", no_wrap=True)
    table.add_column("p", no_wrap=True)
    for name, change in changes.items():
        table.add_row(
            Text(one_line(name, 40)),
            f"{change.before.mean:.3f}",
            f"{change.after.mean:.3f}",
            bounds_of(change.low, change.high, change.before.questions, sign="+"),
            interval_bar(change.mean, change.low, change.high, -1, 1, NARROW),
            f"{change.better} / {change.worse}",
            "< 0.001" if change.p < 0.001 else f"{change.p:.3f}",
        )
    return table


def _candidates(findings: Findings) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    table.add_column("on the questions for choosing", justify="right")
    table.add_column("trained", justify="right")
    table.add_row("the first", f"{findings.began.mean:.3f}", "")
    for one in findings.candidates:
        name = Text(one.name, "bold green" if one.name == findings.best else "")
        table.add_row(name, f"{one.chosen_on.mean:.3f}", f"{one.seconds:,.0f} s")
    return table
