"""Rows of JSON and JSON Lines files: one object each, every number as it is written.

with open_objects(path) as file:
    for line, cells in file.rows():     {"name": Cell("string", "Ada"), …}
file.refused                            lines that are no JSON object, and why
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

from agentlab.decoding import Undecodable
from agentlab_tools.data.bytes import open_text

Kind = Literal["string", "number", "bool", "nested"]
_PIECE = 1 << 20
_LONGEST = 1 << 27  # characters of one object


class Cell(NamedTuple):
    """A value that is not null, as text."""

    kind: Kind
    text: str


class _Number(float):
    """A number that knows how it was written."""

    text: str


@dataclass
class Objects:
    """An open file of objects; `notes` and `refused` are complete when all rows were read."""

    notes: list[str]
    refused: list[tuple[int, str]]
    _found: Iterator[tuple[int, Any]]

    def rows(self) -> Iterator[tuple[int, dict[str, Cell | None]]]:
        """Each object with the line it begins on."""
        for line, value in self._found:
            if isinstance(value, dict):
                row = cast(dict[str, Any], value)
                yield line, {_plain(key): _cell(found) for key, found in row.items()}
            else:
                self.refused.append((line, "no JSON object"))


@contextmanager
def open_objects(path: Path) -> Generator[Objects]:
    """Open JSON: an array of objects, objects one after the other, or one a line.

    Raises:
        Undecodable: it is empty, no text, or an array that is not JSON.
        OSError: it can't be read.
    """
    lines = bool({".jsonl", ".ndjson"} & {suffix.lower() for suffix in path.suffixes})
    with open_text(path) as (file, note):
        notes = [note] if note else []
        refused: list[tuple[int, str]] = []
        begin = file.read(_PIECE)
        file.seek(0)
        if not begin.strip():
            raise Undecodable("empty")
        first = begin.lstrip().partition("\n")[0]
        if not first.startswith("[") and (lines or _parsed(first) is not None):
            yield Objects(notes, refused, _by_line(file, refused))
            return
        yield Objects(notes, refused, _one_by_one(file))


def _parsed(text: str) -> Any:
    try:
        return _decoder().decode(text.strip())
    except ValueError:
        return None


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=_number, parse_int=_number)


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _by_line(file: IO[str], refused: list[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    decoder = _decoder()
    for number, line in enumerate(_lines(file), 1):
        text = line.strip(" \t\r\n\ufeff")
        if not text:
            continue
        try:
            yield number, decoder.decode(text)
        except (ValueError, RecursionError) as error:
            refused.append((number, f"not JSON: {getattr(error, 'msg', 'nested too deeply')}"))


def _lines(file: IO[str]) -> Iterator[str]:
    """Lines that end at a line feed: a carriage return alone ends none."""
    part = ""
    for line in file:
        part += line
        if line.endswith("\n"):
            yield part
            part = ""
    yield part


def _one_by_one(file: IO[str]) -> Iterator[tuple[int, Any]]:
    """The elements of an array, or values one after the other, never all in memory."""
    decoder, text, line, at, in_array, ended, more = _decoder(), "", 1, 0, None, False, True
    between = False  # whether a value came, and no comma yet
    while True:
        start = at
        while at < len(text) and text[at] in " \t\r\n\ufeff":
            at += 1
        line += text.count("\n", start, at)
        if at == len(text) and more:
            text, at = file.read(_PIECE), 0
            more = bool(text)
            continue
        if at == len(text):
            if in_array and not ended:
                raise Undecodable(f"not whole JSON: its array does not end (line {line:,})")
            return
        if in_array is None:
            in_array = text[at] == "["
            at += in_array
            continue
        if in_array and not ended and text[at] == "]":
            ended, at = True, at + 1
            continue
        if in_array and between and not ended and text[at] == ",":
            between, at = False, at + 1
            continue
        if ended or (in_array and between):
            raise Undecodable(f"not JSON at line {line:,}: {text[at : at + 20]!a}")
        try:
            value, end = decoder.raw_decode(text, at)
            if end == len(text) and more:  # a number may go on
                raise ValueError
        except RecursionError:
            raise Undecodable(f"not JSON at line {line:,}: nested too deeply") from None
        except ValueError:
            piece = file.read(max(_PIECE, len(text) - at)) if len(text) - at < _LONGEST else ""
            if not piece and (not more or len(text) - at >= _LONGEST):
                said = f"not JSON at line {line:,}: {text[at : at + 20]!a}"
                raise Undecodable(said) from None
            more = bool(piece)
            text, at = text[at:] + piece, 0
            continue
        yield line, value
        line += text.count("\n", at, end)
        at, between = end, True


def _cell(value: Any) -> Cell | None:
    match value:
        case None:
            return None
        case bool():
            return Cell("bool", "true" if value else "false")
        case _Number():
            return Cell("number", value.text)
        case float():
            return Cell("number", str(value))  # NaN and Infinity, which Python writes
        case str():
            return Cell("string", _plain(value))
        case _:
            return Cell("nested", _plain(_written(value)))


def _written(value: Any) -> str:
    """JSON again, with numbers as they were written."""
    match value:
        case dict():
            items = cast(dict[str, Any], value).items()
            return "{" + ", ".join(f"{json.dumps(k)}: {_written(v)}" for k, v in items) + "}"
        case list():
            return "[" + ", ".join(map(_written, cast(list[Any], value))) + "]"
        case _Number():
            return value.text
        case _:
            return json.dumps(value)


def _plain(text: str) -> str:
    """Without halves of characters, which can't be stored: each becomes one mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
