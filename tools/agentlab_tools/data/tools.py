"""The tool `query_data`, for files that were opened; on the command line `-t query_data:FILE`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import Field

from agentlab.display import counted, one_line
from agentlab.errors import ConfigError, ToolError
from agentlab.tooling import Tool, tool
from agentlab_tools.data.database import Data, DataError, open_data
from agentlab_tools.data.values import Rows, Table
from agentlab_tools.quoted import quoted

_COLUMNS = 40
_SHOWN = 24
_SAID = 300
_LEFT_OUT = 3
_NOTES = 12


def data_tool(data: Data, *, name: str = "query_data") -> Tool[Any]:
    """A tool that asks the data in SQL; its description tells the model what the tables hold."""
    tables = "\n".join(described(table) for table in data.tables)

    @tool(
        name=name,
        description=f"Ask the user's data with one SELECT statement (DuckDB's SQL).\n{tables}",
        timeout=data.limits.seconds + 10,
        read_only=True,
    )
    async def query_data(
        sql: Annotated[str, Field(description="one SELECT statement", min_length=1)],
    ) -> str:
        try:
            rows = await data.query(sql)
        except DataError as error:
            raise ToolError(str(error)) from error
        return quoted(written(rows), "rows of the user's data")

    return query_data


def described(table: Table) -> str:
    """A table as a model is told of it: columns, types, and the first values in them."""
    lines = [f"Table {table.name}, {counted(table.rows, 'row')}:"]
    for column in table.columns[:_COLUMNS]:
        sample = ", ".join(one_line(value, _SHOWN) for value in column.sample if value is not None)
        line = f"  {one_line(column.name, 60)} {one_line(column.type, 60)}"
        lines.append(f"{line}, e.g. {sample}" if sample else line)
    if len(table.columns) > _COLUMNS:
        lines.append(f"  and {len(table.columns) - _COLUMNS} more: DESCRIBE {table.name}")
    lines += [f"  ({one_line(oddity, _SAID)})" for oddity in _oddities(table)]
    return "\n".join(lines)


def _oddities(table: Table) -> Iterator[str]:
    """What is left out or was assumed, a line each."""
    if table.skipped:
        count = f"{table.skipped:,} row{'s'[: table.skipped > 1]}"
        refused = "; ".join(f"line {line:,}: {why}" for line, why in table.refused[:_LEFT_OUT])
        more = "; …" if table.skipped > _LEFT_OUT else ""
        yield f"{count} could not be read and {_are(table.skipped)} left out: {refused}{more}"
    yield from table.notes[:_NOTES]
    if len(table.notes) > _NOTES:
        yield f"and {len(table.notes) - _NOTES} more notes"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def written(rows: Rows) -> str:
    """Rows as text: one a line, values between bars."""
    lines = [" | ".join(one_line(name, 60) for name in rows.columns)]
    lines += [
        " | ".join("NULL" if value is None else one_line(value, len(value) + 1) for value in row)
        for row in rows.rows
    ]
    count = len(rows.rows)
    if rows.more:
        lines.append(f"(the first {count} rows; there are more)")
    else:
        lines.append(f"({count} row{'' if count == 1 else 's'})")
    return "\n".join(lines)


@asynccontextmanager
async def toolset(files: Sequence[str]) -> AsyncGenerator[tuple[Tool[Any], ...]]:
    """`query_data` over the files of a command line.

    Raises:
        ConfigError: none is named, or one cannot be read.
    """
    if not any(files):
        raise ConfigError("query_data needs data: name it, as in -t query_data:sales.csv")
    async with open_data(files) as data:
        yield (data_tool(data),)
