"""The user's files as tables, and queries over them, each in a process that can do no harm."""

from __future__ import annotations

import glob
import json
import re
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agentlab.errors import AgentLabError, ConfigError, MissingExtra
from agentlab_tools.data.values import USUAL_LIMITS, Column, DataLimits, Rows, Table
from agentlab_tools.killable import output_of

_WORKER = Path(__file__).with_name("worker.py")
_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}
_NAME = re.compile(r"[A-Za-z_]\w{0,62}", re.ASCII)


class DataError(AgentLabError):
    """The data cannot be read, or a query was refused; the text is one line."""


@dataclass(frozen=True)
class Data:
    """Files read in as tables, open for queries until `open_data`'s block ends."""

    folder: Path
    tables: tuple[Table, ...]
    limits: DataLimits

    async def query(self, sql: str) -> Rows:
        """The first rows that a SELECT statement finds.

        Raises:
            DataError: it was refused, failed, or took more time or memory than it may.
        """
        job = {"sql": sql, "rows": self.limits.rows, "spill": ""}
        late = f"it took more than {self.limits.seconds:g} seconds: ask for less"
        answer = await _work(self.folder, job, self.limits, self.limits.seconds, late)
        rows = tuple(tuple(row) for row in answer["rows"])
        return Rows(tuple(answer["columns"]), rows, answer["more"])


@asynccontextmanager
async def open_data(
    files: Sequence[str | Path] | Mapping[str, str | Path], limits: DataLimits = USUAL_LIMITS
) -> AsyncGenerator[Data]:
    """Read files in, and give what can be asked of them.

    Args:
        files: paths; or names of tables and their paths, as a mapping or as `name=path`. A path
            with `*` in it makes one table of all files it matches; without a name, a table is
            called after its file.

    Raises:
        ConfigError: a file is not there, is of no kind that can be read, or all are too large.
        DataError: a file's content cannot be read.
        MissingExtra: DuckDB is not installed.
    """
    if find_spec("duckdb") is None:
        raise MissingExtra("duckdb", "tools")
    tables = _tables(files)
    size = _size(tables)
    if size > limits.file_bytes:
        raise ConfigError(
            f"the data is {size / 1e9:.1f} GB; up to {limits.file_bytes / 1e9:.1f} GB are read: "
            "name fewer files, or raise DataLimits.file_bytes"
        )
    with tempfile.TemporaryDirectory(prefix="agentlab-data-") as name:
        folder = Path(name)
        job = {"tables": tables, "spill": "spill"}
        late = f"reading the data took more than {limits.load_seconds:g} seconds"
        answer = await _work(folder, job, limits, limits.load_seconds, late)
        yield Data(folder, tuple(_table(table) for table in answer["tables"]), limits)


def _table(found: dict[str, Any]) -> Table:
    columns = tuple(
        Column(one["name"], one["type"], tuple(one["sample"])) for one in found["columns"]
    )
    refused = tuple((line, why) for line, why in found["refused"])
    notes = tuple(found["notes"])
    return Table(found["name"], found["rows"], columns, found["skipped"], refused, notes)


def _tables(files: Sequence[str | Path] | Mapping[str, str | Path]) -> list[dict[str, Any]]:
    if isinstance(files, Mapping):
        named = [(name, str(path)) for name, path in files.items()]
    else:
        named = [_split(str(file)) for file in files]
    if not named:
        raise ConfigError("no data was named: give CSV, Parquet or JSON files")
    tables: dict[str, dict[str, Any]] = {}
    for table, path in named:
        paths = [Path(path)] if Path(path).is_file() else sorted(map(Path, glob.glob(path)))  # noqa: PTH207
        paths = [file for file in paths if file.is_file()]
        if not paths:
            raise ConfigError(f"no file of data at {path}")
        kinds = {_kind(file) for file in paths}
        if len(kinds) > 1:
            raise ConfigError(f"{path} matches files of several kinds: {', '.join(sorted(kinds))}")
        name = table or _named_after(paths[0])
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name[:80]!r} can't name a table: use letters, digits and _")
        if name.lower() in tables:
            raise ConfigError(f"two tables would be called {name}: name one, as in other={path}")
        absolute = [str(file.resolve()) for file in paths]
        tables[name.lower()] = {"name": name, "kind": kinds.pop(), "files": absolute}
    return list(tables.values())


def _size(tables: Sequence[dict[str, Any]]) -> int:
    return sum(Path(file).stat().st_size for table in tables for file in table["files"])


def _split(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if equals and _NAME.fullmatch(name) and not Path(text).exists():
        return name, path
    return "", text


def _kind(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    if not suffixes or suffixes[-1] not in _KINDS:
        raise ConfigError(f"{file.name} is not data that can be read: use {', '.join(_KINDS)}")
    return _KINDS[suffixes[-1]]


def _named_after(file: Path) -> str:
    name = re.sub(r"\W+", "_", file.name.split(".")[0], flags=re.ASCII).strip("_").lower()
    return name if _NAME.fullmatch(name) else f"t_{name}"[:63]


async def _work(
    folder: Path, job: dict[str, Any], limits: DataLimits, seconds: float, late: str
) -> dict[str, Any]:
    """Have a worker do a job."""
    line = json.dumps({**job, "memory": limits.memory, "cell": limits.cell}).encode()
    try:
        output = await output_of(_WORKER, line, seconds=seconds, folder=folder)
    except TimeoutError:
        raise DataError(late) from None
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        raise DataError("it needs more memory than a query may have, or crashed DuckDB") from None
    if "error" in answer:
        raise DataError(answer["error"])
    return answer
