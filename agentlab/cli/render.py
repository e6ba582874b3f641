"""Events, written to a terminal as they come: in colour on a screen, plainly in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentlab.backend import TextDelta
from agentlab.cli.tones import COLOURS
from agentlab.described import Line, lines_of, note_of
from agentlab.display import one_line, safe
from agentlab.events import (
    ApprovalAsked,
    Event,
    LiveEvent,
    ModelReplied,
    RunFinished,
    RunStarted,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agentlab.messages import ToolResult

_LONG = 300


class EventPrinter:
    """Writes one run, or several after each other.

    Args:
        indent: columns to the left of everything.
        words: show the model's text token by token as it comes.
    """

    def __init__(self, console: Console, *, indent: int = 0, words: bool = True) -> None:
        self._console = console
        self._margin = " " * indent
        self._words = words
        self._in_text = False
        self._column = 0
        self._said = ""

    def show(self, event: Event) -> None:
        """Write one event."""
        match event:
            case TextDelta(text=text) if self._words:
                self._stream(text, "")
            case ModelReplied(reply=reply):
                if not self._words and reply.message.text:
                    self._line("»", "bold", one_line(reply.message.text, 300))
                self._end_text()
                self._note(event)
            case ToolStarted():
                self._end_text()
                self._said = ""
                self._lines(lines_of(event))
            case ToolOutput(text=text) if self._words:
                self._said += text
                self._stream(text, "dim")
            case ToolFinished(result=result):
                self._end_text()
                self._result(result)
            case ApprovalAsked():
                self._end_text()
                self._lines(lines_of(event))
            case RunFinished(outcome="completed"):
                self._end_text()
            case RunStarted():
                pass
            case _ if not isinstance(event, LiveEvent):
                self._end_text()
                self._note(event)
            case _:  # words and calls that are still being written
                pass

    def _note(self, event: Event) -> None:
        note = note_of(event, _LONG)
        self._lines(() if note is None else (note,))

    def _lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._line(line.mark, COLOURS[line.tone], line.text)

    def _result(self, result: ToolResult) -> None:
        if result.content.strip() == self._said.strip() != "" and not result.artifacts:
            return  # it was seen as it came
        style, mark = ("red", "✘") if result.error else ("green", "←")
        error = f"{result.error}: " if result.error else ""
        self._line(mark, style, error + one_line(result.content, 200))
        for artifact in result.artifacts:
            size = f"{artifact.blob.size:,} bytes"
            self._line(
                "+", "dim", f"{one_line(artifact.name)} ({one_line(artifact.media_type)}, {size})"
            )

    def _stream(self, text: str, style: str) -> None:
        """Write words as they come, wrapped to the right of the mark."""
        text = safe(text)
        if not self._in_text:
            text = text.lstrip("\n")
            if not text:
                return
            self._console.print(Text(f"{self._margin}» ", "bold"), end="", soft_wrap=True)
            self._in_text, self._column = True, len(self._margin) + 2
        out: list[str] = []
        for piece in re.findall(r"\n|[^\S\n]*[^\s]+|[^\S\n]+", text):
            if piece == "\n" or self._column + cell_len(piece) > self._console.width - 1:
                out.append(f"\n{self._margin}  ")
                self._column = len(self._margin) + 2
                piece = piece.lstrip()  # noqa: PLW2901 - a line does not begin with a space
            out.append(piece)
            self._column += cell_len(piece)
        self._console.print(Text("".join(out), style), end="", soft_wrap=True)

    def _end_text(self) -> None:
        if self._in_text:
            self._console.print()
            self._in_text = False

    def _line(self, mark: str, style: str, text: str) -> None:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=len(self._margin) + 1, justify="right")
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark, style), Text(text))
        self._console.print(grid)
