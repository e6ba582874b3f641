"""Rows and columns on a terminal, in a pipe, or as JSON."""

from __future__ import annotations

import click

from agentlab.display import safe, safe_json


def print_rows(columns: tuple[str, ...], rows: list[tuple[object, ...]], as_json: bool) -> None:
    """Write a table, or JSON lines; text is made safe to show."""
    if as_json:
        from pydantic_core import to_json

        for row in rows:
            line = to_json(dict(zip(columns, row, strict=True)), fallback=str)
            click.echo(safe_json(line.decode()))
        return
    from rich.table import Table
    from rich.text import Text

    from agentlab.terminal.consoles import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(safe(column)), overflow="fold", no_wrap=column == "run")
    for row in rows:
        table.add_row(*(Text(safe("" if value is None else str(value))) for value in row))
    console().print(table)
