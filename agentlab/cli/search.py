"""`agentlab grep` and `agentlab stats`: what all the runs of a folder hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.errors import ConfigError, TraceError
from agentlab.regular import read_regular
from agentlab.terminal.options import runs_option
from agentlab.trace import Trace, has_runs, runs_in

if TYPE_CHECKING:
    from agentlab.trace import Record

_PLAIN = re.compile(r"[A-Za-z0-9 _-]+")
_OURS = "thinks"
"""The one word of `in_words` that is in no file."""
_GROUPS = ("model", "lab", "agent")


@click.command()
@click.argument("pattern")
@runs_option
@click.option("-i", "--ignore-case", is_flag=True, help="Ignore case.")
@click.option("-F", "--fixed", is_flag=True, help="Read PATTERN as plain text.")
@click.option("-k", "--kind", "kinds", multiple=True, help="Search only events of this kind.")
@click.option("-l", "--list", "only_runs", is_flag=True, help="Show only the ids of runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def grep(
    pattern: str,
    runs: Path,
    ignore_case: bool,
    fixed: bool,
    kinds: tuple[str, ...],
    only_runs: bool,
    as_json: bool,
) -> int:
    """Search all runs, newest first, for PATTERN (a regular expression).

    The search covers what people, models and tools wrote, and how runs ended. Exits with 1 if
    nothing is found.
    """
    from agentlab.display import one_line
    from agentlab.terminal.consoles import console as open_console

    try:
        expression = re.compile(
            re.escape(pattern) if fixed else pattern, re.I if ignore_case else 0
        )
    except re.error as error:
        raise ConfigError(f"{pattern!r} is not a regular expression: {error}; try -F") from None
    console = open_console()
    matches = 0
    for path in runs_in(runs):
        for record, line in _matches(path, pattern, expression, kinds, ignore_case):
            matches += 1
            if only_runs:
                click.echo(one_line(path.stem))
                break
            _print_match(console, path.stem, record, line, expression, as_json)
    return 0 if matches else 1


def _matches(
    path: Path, pattern: str, wanted: re.Pattern[str], kinds: tuple[str, ...], any_case: bool
) -> Iterator[tuple[Record, str]]:
    from agentlab.replay.compare import in_words

    try:
        # words that JSON writes as they are must stand in the file, or it need not be read
        if _PLAIN.fullmatch(pattern) and not any_case:
            data = read_regular(path)
            if any(word.encode() not in data for word in pattern.split() if word not in _OURS):
                return
        trace = Trace.load(path)
    except (TraceError, OSError):
        return
    for record in trace.records:
        if kinds and record.event.kind not in kinds:
            continue
        for line in in_words(record.event):
            if wanted.search(line):
                yield record, line.strip()


def _print_match(
    console: object, run: str, record: Record, line: str, wanted: re.Pattern[str], as_json: bool
) -> None:
    from pydantic_core import to_json
    from rich.console import Console
    from rich.text import Text

    from agentlab.display import one_line, safe_json

    if as_json:
        row = {"run": run, "seq": record.seq, "kind": record.event.kind, "line": line}
        click.echo(safe_json(to_json(row).decode()))
        return
    assert isinstance(console, Console)
    place = wanted.search(line)
    start = max(0, (place.start() if place else 0) - 60)
    text = Text(one_line(line[start:], 200))
    text.highlight_regex(wanted, "bold red")
    head = Text.assemble((one_line(run), "magenta"), (f":{record.seq} ", "dim"))
    console.print(head + text, soft_wrap=True)


@click.command()
@runs_option
@click.option(
    "--by", type=click.Choice(_GROUPS), default="model", show_default=True, help="What to group by."
)
@click.option("--json", "as_json", is_flag=True, help="Three tables, one JSON row per line.")
def stats(runs: Path, by: str, as_json: bool) -> None:
    """Show tokens, cost, waiting times and tool errors of all runs.

    What a fork took over from its parent counts once, with the parent.
    """
    from agentlab.terminal.tables import print_rows
    from agentlab.trace.query import queries

    if not has_runs(runs):
        raise TraceError(f"no runs in {runs} yet: `agentlab run m5/tool-use` makes some")
    tables = queries(runs, [sql.format(group=_group(by)) for sql in _TABLES.values()])
    for title, (columns, rows) in zip(_TABLES, tables, strict=True):
        named = (by, *columns[1:])
        if as_json:
            print_rows(("table", *named), [(title, *row) for row in rows], as_json=True)
            continue
        click.echo(click.style(title, bold=True))
        print_rows(named, rows, as_json=False)
        click.echo()


def _group(by: str) -> str:
    names = {"model": "backend", "lab": "coalesce(labels->>'lab', '-')", "agent": "agent"}
    return names[by]


_TABLES = {
    "runs": """
        SELECT {group} AS g, count(*) AS runs,
               round(100 * avg((outcome IS NOT DISTINCT FROM 'completed')::INT)) AS "completed %",
               round(avg(steps), 1) AS steps, sum(input_tokens)::BIGINT AS "tokens in",
               sum(cached_tokens)::BIGINT AS cached, sum(output_tokens)::BIGINT AS "tokens out",
               round(sum(cost), 4) AS cost
        FROM runs GROUP BY g ORDER BY runs DESC, g""",
    "replies (seconds)": """
        SELECT {group} AS g, count(*) AS replies, {percentiles},
               round(sum(replies.output_tokens) / nullif(sum(replies.seconds), 0), 1) AS "tokens/s"
        FROM replies JOIN runs USING (run) GROUP BY g ORDER BY replies DESC, g""".replace(
        "{percentiles}",
        ", ".join(
            f"round(quantile_cont(replies.seconds, {p}), 3) AS p{int(100 * p)}"
            for p in (0.5, 0.9, 0.99)
        ),
    ),
    "tools (seconds)": """
        SELECT {group} AS g, name AS tool, count(*) AS calls,
               round(100 * avg((tool_calls.error IS NOT NULL)::INT), 1) AS "errors %",
               round(quantile_cont(tool_calls.seconds, 0.5), 3) AS p50,
               round(quantile_cont(tool_calls.seconds, 0.9), 3) AS p90,
               round(quantile_cont(tool_calls.seconds, 0.99), 3) AS p99
        FROM tool_calls JOIN runs USING (run)
        GROUP BY g, tool ORDER BY calls DESC, g, tool""",
}
