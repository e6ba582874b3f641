"""Rows to learn from, and where each stands: of JSON Lines, JSON, a database, or runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

from agentlab.decoding import Undecodable, decode, json_lines
from agentlab.errors import ConfigError, MissingExtra

Json: TypeAlias = dict[str, Any]
Say: TypeAlias = Callable[[str], None]


def rows_in(data: str, sql: str | None, say: Say) -> Iterator[tuple[str, Json]]:
    """Rows, and where each stands, for people.

    Args:
        say: is told what was assumed of a file's encoding.

    Raises:
        ConfigError: there is no such data, or a row is no JSON object.
        TraceError: no run in the folder passed.
    """
    path = Path(data).expanduser()
    if path.suffix == ".duckdb":
        yield from _database(path, sql)
    elif path.is_dir():
        for number, line in enumerate(_runs(path, sql), 1):
            yield f"{path.name}:{number}", json.loads(line)
    else:
        yield from _parsed(path.name, text_in(path, say))


def text_in(path: Path, say: Say) -> str:
    """A file's text, its lines ended by line feeds.

    Raises:
        ConfigError: it can't be read, or is in no encoding that can be told.
    """
    try:
        text, note = decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    except Undecodable as error:
        raise ConfigError(f"{path} can't be read: {error}") from None
    if note:
        say(f"{path.name}: {note}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parsed(name: str, text: str) -> Iterator[tuple[str, Json]]:
    for where, row in _array(name, text) if text.lstrip()[:1] == "[" else _lines(name, text):
        if not isinstance(row, dict):
            raise ConfigError(f"{where} is no JSON object")
        yield where, cast(Json, row)


def _array(name: str, text: str) -> Iterator[tuple[str, Any]]:
    try:
        found: list[Any] = json.loads(text)
    except ValueError:  # one array a line, perhaps: then each is told to be no object
        yield from _lines(name, text)
        return
    if not any(isinstance(row, dict) for row in found):
        yield from _lines(name, text)
        return
    for number, row in enumerate(found, 1):
        yield f"{name}, row {number}", row


def _lines(name: str, text: str) -> Iterator[tuple[str, Any]]:
    for number, line in json_lines(text):
        try:
            yield f"{name}:{number}", json.loads(line)
        except (ValueError, RecursionError):
            raise ConfigError(f"{name}:{number} is not JSON") from None


def _runs(folder: Path, sql: str | None) -> Iterator[str]:
    """The runs that passed, as chat lines: what went wrong is nothing to learn from."""
    from agentlab.export.chat import NotAnExample, lines
    from agentlab.export.select import Selection
    from agentlab.trace import Trace

    for path in Selection(passed=True, sql=sql).paths(folder):
        try:
            yield from lines(Trace.load(path))
        except NotAnExample:
            continue


def _database(path: Path, sql: str | None) -> Iterator[tuple[str, Json]]:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra("duckdb", "tools") from error
    if sql is None:
        raise ConfigError(f"say which rows of {path} to learn from: --set sql='SELECT …'")
    if not path.is_file():
        raise ConfigError(f"there is no database at {path}")
    try:
        with duckdb.connect(str(path), read_only=True) as db:
            found = db.execute(sql)
            columns = [column[0] for column in found.description]
            rows = found.fetchall()
    except duckdb.Error as error:
        raise ConfigError(f"{path}: {str(error).splitlines()[0]}") from error
    for number, row in enumerate(rows, 1):
        yield f"{path.name}, row {number}", dict(zip(columns, row, strict=True))
