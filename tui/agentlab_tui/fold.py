"""A trace folded into the rows of a timeline: pure values, drawn elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentlab.described import Line, lines_of, message_line
from agentlab.events import ModelReplied, RunStarted, StoredEvent, UnknownEvent
from agentlab.messages import Message
from agentlab.trace import Record
from agentlab_tui.tones import COLOURS

_LONG = 300


@dataclass(frozen=True)
class Row:
    """One line of a timeline.

    Attributes:
        at: seconds since the run's first record.
        took: seconds since the record before; None where a record has several rows.
        style: a theme colour, e.g. `$success`.
        message: the one message of the opening conversation that this row stands for.
    """

    record: Record
    at: float
    took: float | None
    mark: str
    style: str
    text: str
    message: Message | None = None


def rows_of(records: Iterable[Record]) -> Iterator[Row]:
    """The rows of a run, in order."""
    begun: float | None = None
    before = 0.0
    for record in records:
        begun = record.at if begun is None else begun
        at = record.at - begun
        took: float | None = max(0.0, at - before)
        before = at
        for line, message in _lines(record.event):
            yield Row(record, at, took, line.mark, COLOURS[line.tone], line.text, message)
            took = None


def _lines(event: StoredEvent | UnknownEvent) -> Iterator[tuple[Line, Message | None]]:
    match event:
        case RunStarted(messages=messages):
            for message in messages:
                yield message_line(message, _LONG), message
        case ModelReplied(reply=reply):  # one row, of which the detail says the rest
            yield message_line(reply.message, _LONG), None
        case _:
            for line in lines_of(event, _LONG):
                yield line, None
