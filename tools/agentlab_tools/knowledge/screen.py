"""What `agentlab index` and `agentlab ask` show on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.display import counted, one_line, safe
from agentlab_tools.knowledge.tools import place

if TYPE_CHECKING:
    from agentlab_tools.knowledge.ask import Answer
    from agentlab_tools.knowledge.index import Progress, Report


def print_answer(answer: Answer, checked: list[bool]) -> None:
    """Write an answer, and below it what it rests on."""
    if answer.text is None:
        click.echo("not found in the documents")
        for one in answer.citations:
            click.echo(click.style(f"nearest: {place(one.source)}", dim=True))
        return
    click.echo(safe(answer.text))
    if answer.borne_out < 0.5:
        click.echo(click.style("careful: few of these words are in the documents", fg="yellow"))
    elif answer.worded_by == "model":
        click.echo(click.style("in the model's own words", dim=True))
    for number, (one, held) in enumerate(zip(answer.citations, checked, strict=True), 1):
        mark = "" if held else click.style("  no longer in the index", fg="red")
        click.echo(f"\n[{number}] {click.style(place(one.source), fg='cyan')}{mark}")
        click.echo(f"    “{one_line(one.quote, 600)}”")
    if answer.trace is not None:
        click.echo(click.style(f"\ntrace: agentlab show {answer.trace.stem}", dim=True))


def print_report(path: Path, report: Report) -> None:
    """Write what an update did, and all that could not be indexed."""
    moved = f", {report.moved:,} moved" if report.moved else ""
    parts = [
        f"{counted(report.indexed, 'file')} read, {report.unchanged:,} unchanged, "
        f"{report.removed:,} removed{moved}; {counted(report.written, 'passage')} written "
        f"in {report.seconds:.1f} s"
    ]
    if report.passed_over:
        kinds = ", ".join(f"{count:,} {end}" for end, count in report.passed_over.items())
        parts.append(f"skipped: {kinds}")
    click.echo(f"{path}: {'; '.join(parts)}")
    for note in report.notes:
        click.echo(f"  {one_line(note.name, 200)}: {one_line(note.reason, 200)}", err=True)
    if report.problems:
        click.echo(f"  {len(report.problems):,} could not be indexed:", err=True)
        for problem in report.problems:
            name = click.style(one_line(problem.name, 200), fg="yellow")
            click.echo(f"  {name}: {one_line(problem.reason, 200)}", err=True)


class Bar:
    """A bar on a terminal's stderr; nothing elsewhere."""

    def __init__(self, path: Path, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        console = Console(stderr=True)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[written]}"),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task(
            one_line(path.name or str(path), 30), total=None, written=""
        )

    def __enter__(self) -> Callable[[Progress], None]:
        self._bar.start()
        return self._show

    def _show(self, at: Progress) -> None:
        self._bar.update(
            self._task, completed=at.files, total=at.of, written=f"{counted(at.written, 'passage')}"
        )

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
