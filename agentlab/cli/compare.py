"""`agentlab diff`: two runs, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.display import counted, safe_json
from agentlab.terminal.completion import run_names
from agentlab.terminal.options import runs_option
from agentlab.trace import Trace, find_run

if TYPE_CHECKING:
    from rich.console import Console

    from agentlab.replay import Diff, Row

_CONTEXT = 2


@click.command()
@click.argument("a", shell_complete=run_names)
@click.argument("b", default="last", shell_complete=run_names)
@runs_option
@click.option("--json", "as_json", is_flag=True, help="The comparison, as JSON.")
@click.option("--all", "everything", is_flag=True, help="Also show what is the same, in full.")
def diff(a: str, b: str, runs: Path, as_json: bool, everything: bool) -> int:
    """Compare run A with run B, step by step. Exits with 1 if they differ."""
    from agentlab.replay.difference import diff as compare

    difference = compare(Trace.load(find_run(runs, a)), Trace.load(find_run(runs, b)))
    if as_json:
        click.echo(safe_json(difference.model_dump_json(indent=2)))
    else:
        from agentlab.terminal.consoles import console

        print_diff(console(), difference, everything=everything)
    return 0 if difference.same else 1


def print_diff(console: Console, difference: Diff, *, everything: bool = False) -> None:
    """Write the rows that differ, each with a few that do not around it."""
    from rich.text import Text

    from agentlab.display import one_line

    console.print(Text(f"- {difference.a}", "red"))
    console.print(Text(f"+ {difference.b}", "green"))
    for line in difference.header:
        console.print(Text(f"! {one_line(line, 300)}", "yellow"))
    rows = _near_a_change(difference.rows, len(difference.rows) if everything else _CONTEXT)
    step, left_out = -1, 0
    for row, show in zip(difference.rows, rows, strict=True):
        if not show:
            left_out += 1
            continue
        if left_out:
            console.print(Text(f"  … {_same(left_out)}", "dim"))
            left_out = 0
        if row.step != step:
            step = row.step
            console.print(Text(f"step {step}" if step else "start", "bold"))
        _print_row(console, row)
    if left_out:
        console.print(Text(f"  … {_same(left_out)}", "dim"))
    if difference.same:
        console.print(f"[green]✔[/] the same: {counted(len(difference.rows), 'event')}")


def _near_a_change(rows: tuple[Row, ...], context: int) -> list[bool]:
    """Which rows lie within `context` of one that differs."""
    near = [False] * len(rows)
    for order in (range(len(rows)), range(len(rows) - 1, -1, -1)):
        left = -1 if context < len(rows) else len(rows)
        for index in order:
            left = context if rows[index].sameness != "same" else left - 1
            near[index] = near[index] or left >= 0
    return near


def _print_row(console: Console, row: Row) -> None:
    import difflib

    from rich.text import Text

    from agentlab.display import one_line, safe
    from agentlab.replay.compare import in_words

    before = in_words(row.a) if row.a is not None else ()
    after = in_words(row.b) if row.b is not None else ()
    number = f"{'' if row.seq_a is None else row.seq_a:>4} "
    number += f"{'' if row.seq_b is None else row.seq_b:>4}  "
    if row.sameness == "same":
        console.print(Text(number + "  " + one_line(" ".join(before), 120), "dim"))
        return
    for line in difflib.ndiff(before, after):
        mark, sentence = line[0], line[2:]
        if mark == "?":
            continue
        style = {"-": "red", "+": "green", " ": ""}[mark]
        console.print(Text(f"{number}{mark} {safe(sentence)}", style), soft_wrap=True)
        number = " " * len(number)


def _same(events: int) -> str:
    return f"{counted(events, 'event')} {'is' if events == 1 else 'are'} the same"
