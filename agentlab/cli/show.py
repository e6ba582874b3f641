"""`agentlab show` and `agentlab traces`: runs, looked back at."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agentlab.display import one_line, safe_json
from agentlab.errors import TraceError
from agentlab.terminal.completion import run_names
from agentlab.terminal.options import runs_option
from agentlab.terminal.tables import print_rows
from agentlab.trace import Trace, find_run, has_runs, no_runs, read_header, trace_names

_QUESTION = 48
"""Characters of a question in a list on a screen."""


@click.command()
@click.argument("run", default="last", shell_complete=run_names)
@runs_option
@click.option(
    "--json", "as_json", is_flag=True, help="Header and records, one JSON object per line."
)
@click.option("--full", is_flag=True, help="Show long texts in full.")
def show(run: str, runs: Path, as_json: bool, full: bool) -> None:
    """Show the timeline of RUN: an id or the start of one, a file, or `last`."""
    trace = Trace.load(find_run(runs, run))
    if as_json:
        click.echo(safe_json(trace.header.model_dump_json()))
        for record in trace.records:
            click.echo(safe_json(record.model_dump_json()))
        return
    from agentlab.cli.timeline import print_timeline
    from agentlab.terminal.consoles import console

    print_timeline(console(), trace, full=full)


@click.command()
@runs_option
@click.option("--sql", help="A query over the views `runs`, `events`, `tool_calls`, `results`.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one row per line.")
@click.option(
    "-n", "--limit", default=20, show_default=True, help="How many of the newest runs to list."
)
def traces(runs: Path, sql: str | None, as_json: bool, limit: int) -> None:
    """List runs, newest first, or query all of them with SQL.

    \b
    agentlab traces --sql "SELECT kind, count(*) FROM events GROUP BY kind"
    agentlab traces --sql "SELECT name, count(*) FROM tool_calls GROUP BY ALL"
    """
    if not has_runs(runs):
        raise no_runs(runs)
    if sql is not None:
        from agentlab.trace.query import query

        columns, rows = query(runs, sql)
        print_rows(columns, rows, as_json)
        return
    columns = ("run", "question", "ended", "steps", "tokens", "agent", "model")
    whole = as_json or not sys.stdout.isatty()  # what a program reads is not cut
    most = None if whole else _QUESTION
    rows = [_row(runs / name, most) for name in trace_names(runs)[:limit]]
    print_rows(columns, rows, as_json)


def _row(path: Path, most: int | None) -> tuple[object, ...]:
    try:
        header = read_header(path)
        trace = Trace.load(path)
    except TraceError as error:
        return (path.stem, "", "unreadable", "", "", str(error), "")
    replies = [e.reply for e in trace.events if e.kind == "model_replied"]
    last = trace.events[-1] if trace.events else None
    ended = "broken off"
    if last is not None and last.kind == "run_finished":
        ended = last.outcome
    elif last is not None and last.kind == "run_failed":
        ended = f"failed: {last.error}"
    tokens = sum(reply.usage.total_tokens for reply in replies)
    labels = header.labels
    agent = f"{labels['lab']} {header.agent}" if "lab" in labels else header.agent
    question = one_line(trace.question, most or len(trace.question) + 1)
    return (path.stem, question, ended, len(replies), tokens, agent, header.backend.name)
