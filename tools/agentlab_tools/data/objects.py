"""Rows of JSON and JSON Lines files: one object each, every number as it is written.

with open_objects(path) as file:
    for line, cells in file.rows():     {"name": Cell("string", "Ada"), …}
file.refused                            lines that are no JSON object, and why
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

from agentlab.decoding import Undecodable
from agentlab_tools.data.bytes import open_text
from agentlab_tools.data.delimited import has, lines_told

Kind = Literal["string", "number", "bool", "nested"]
_PIECE = 1 << 20
_LONGEST = 1 << 27  # characters of one object
_HALF = re.compile("[\ud800-\udfff]")


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
    _repeated: list[str]
    _twice: list[int] = field(default_factory=list[int])
    _halves: list[int] = field(default_factory=list[int])

    def rows(self) -> Iterator[tuple[int, dict[str, Cell | None]]]:
        """Each object with the line it begins on."""
        for line, value in self._found:
            if self._repeated:
                self._repeated.clear()
                self._twice.append(line)
            if isinstance(value, dict):
                row = cast(dict[str, Any], value)
                yield line, {self._whole(k, line): self._cell(v, line) for k, v in row.items()}
            else:
                self.refused.append((line, "no JSON object"))
        for lines, reason in (
            (self._twice, "a name twice: the last value counts"),
            (self._halves, "half a character, read as \N{REPLACEMENT CHARACTER}"),
        ):
            if lines:
                self.notes.append(f"{lines_told(lines)} {has(lines)} {reason}")

    def _cell(self, value: Any, line: int) -> Cell | None:
        match value:
            case None:
                return None
            case bool():
                return Cell("bool", "true" if value else "false")
            case _Number():
                return Cell("number", value.text)
            case str():
                return Cell("string", self._whole(value, line))
            case _:
                return Cell("nested", self._whole(_written(value), line))

    def _whole(self, text: str, line: int) -> str:
        """Without halves of characters, which can't be stored."""
        if text.isascii() or not _HALF.search(text):
            return text
        if self._halves[-1:] != [line]:
            self._halves.append(line)
        return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


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
        repeated: list[str] = []
        decoder = _decoder(repeated)
        begin = file.read(_PIECE)
        file.seek(0)
        if not begin.strip():
            raise Undecodable("empty")
        first = begin.lstrip().partition("\n")[0]
        if not first.startswith("[") and (lines or _parsed(first, decoder) is not None):
            repeated.clear()
            yield Objects(notes, refused, _by_line(file, decoder, refused), repeated)
            return
        repeated.clear()
        yield Objects(notes, refused, _one_by_one(file, decoder), repeated)


def _parsed(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text.strip())
    except ValueError:
        return None


def _decoder(repeated: list[str]) -> json.JSONDecoder:
    """Numbers as they are written; names that an object has twice are put down."""

    def hooked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            repeated.extend(name for name, _ in pairs)
        return members

    return json.JSONDecoder(
        object_pairs_hook=hooked,
        parse_float=_number,
        parse_int=_number,
        parse_constant=_number,  # NaN and Infinity, which Python writes
    )


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _by_line(
    file: IO[str], decoder: json.JSONDecoder, refused: list[tuple[int, str]]
) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(_lines(file), 1):
        text = line.strip(" \t\r\n\ufeff\x1e")
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


def _one_by_one(file: IO[str], decoder: json.JSONDecoder) -> Iterator[tuple[int, Any]]:
    """The elements of an array, or values one after the other, never all in memory."""
    text, line, at, in_array, ended, more = "", 1, 0, None, False, True
    between = False  # whether a value came, and no comma yet
    while True:
        start = at
        while at < len(text) and text[at] in " \t\r\n\ufeff\x1e":
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
                reason = f"not JSON at line {line:,}: {text[at : at + 20]!a}"
                raise Undecodable(reason) from None
            more = bool(piece)
            text, at = text[at:] + piece, 0
            continue
        yield line, value
        line += text.count("\n", at, end)
        at, between = end, True


def _written(value: Any) -> str:
    """JSON again, with numbers as they were written."""
    match value:
        case dict():
            items = cast(dict[str, Any], value).items()
            return "{" + ", ".join(f"{_quoted(k)}: {_written(v)}" for k, v in items) + "}"
        case list():
            return "[" + ", ".join(map(_written, cast(list[Any], value))) + "]"
        case _Number():
            return value.text
        case str():
            return _quoted(value)
        case _:
            return json.dumps(value)


def _quoted(text: str) -> str:
    # as it is, so that a search in the text of it finds what it looks for
    return json.dumps(text, ensure_ascii=False)
