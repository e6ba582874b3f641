"""A trace as a timeline: what happened, when, and how long it took."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from agentlab.cli.tones import COLOURS
from agentlab.described import lines_of
from agentlab.display import one_line, safe
from agentlab.trace import Record, Trace

_LONG = 160


def print_timeline(console: Console, trace: Trace, *, full: bool = False) -> None:
    """Write the whole run, one event a line or a few."""
    print_heading(console, trace)
    rows = Rows(console, trace, full=full)
    for record in trace.records:
        rows.show(record)
    if trace.torn:
        console.print(Text(f"{trace.torn} bytes could not be read (a torn record)", "yellow"))


def print_heading(console: Console, trace: Trace) -> None:
    """Write what ran."""
    header = trace.header
    when = datetime.fromtimestamp(header.created).strftime("%Y-%m-%d %H:%M:%S")
    console.print(f"[bold]{header.run}[/]  {escape(one_line(header.agent))}  {when}")
    origin = f"by {one_line(header.program)}  " if header.program else ""
    console.print(Text(f"{origin}{trace.path}", "dim"), soft_wrap=True)
    about = [header.backend.name, header.backend.model]
    about += [f"{key} {value}" for key, value in header.labels.items()]
    about += [f"tools: {', '.join(tool.name for tool in header.tools)}"] if header.tools else []
    console.print(Text(one_line("  ".join(about), 400), "dim"))
    if header.parent:
        at = "" if header.parent.seq is None else f", forked at event {header.parent.seq}"
        console.print(Text(f"from run {one_line(header.parent.run)}{at}", "dim"))


class Rows:
    """Writes the records of a trace: number, clock, and what happened."""

    def __init__(self, console: Console, trace: Trace, *, full: bool = False) -> None:
        self._console = console
        self._full = full
        self._begun = trace.records[0].at if trace.records else trace.header.created
        self._before = self._begun
        self._width = len(str(trace.records[-1].seq)) if trace.records else 1
        self._open = False

    def say(self, text: str) -> None:
        """Write a piece of what the model says, before the record that holds it all."""
        if not self._open:
            text = text.lstrip()
            if not text:
                return
            self._console.print(Text.assemble(" " * (self._width + 12), ("» ", "bold")), end="")
            self._open = True
        self._console.print(Text(" ".join(safe(text).split("\n"))), end="", soft_wrap=True)

    def show(self, record: Record) -> None:
        """Write one record, in a line or a few."""
        took = record.at - self._before
        self._before = record.at
        head = f"{record.seq:>{self._width}} {record.at - self._begun:8.3f}s  "
        rows = lines_of(record.event, None if self._full else _LONG)
        if self._open:
            self._console.print()
            self._open = False
            rows = rows[1:]
        for index, row in enumerate(rows):
            tail = Text(f"  +{took:.2f}s", "dim") if index == 0 and took >= 0.05 else Text()
            line = Text.assemble((head, "dim"), (row.mark, COLOURS[row.tone]), f" {row.text}", tail)
            self._console.print(line, soft_wrap=True)
            head = " " * len(head)
