"""Events, written to a terminal as they come: in colour on a screen, plainly in a pipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import from_json
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentlab.backend import TextDelta
from agentlab.display import one_line, safe
from agentlab.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    HandedOff,
    LimitReached,
    MessageAdded,
    ModelReplied,
    RunFailed,
    RunFinished,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agentlab.messages import ToolCall, ToolResult


def call_text(call: ToolCall) -> str:
    """A call as one would write it: `calculator(expression="6 * 7")`."""
    name = one_line(call.name)
    try:
        arguments: object = from_json(call.arguments or "{}")
        if isinstance(arguments, Mapping):
            given = cast(Mapping[str, Any], arguments)
            return f"{name}({', '.join(f'{one_line(k)}={_value(v)}' for k, v in given.items())})"
    except ValueError:  # no JSON, or a number with thousands of digits
        pass
    return f"{name}({one_line(call.arguments)})"


def _value(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return one_line(text, 80)


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
                if reply.stop in ("length", "repetition", "filtered"):
                    why = {
                        "length": "cut off: out of tokens",
                        "repetition": "stopped: it was repeating itself",
                        "filtered": "withheld by the provider",
                    }[reply.stop]
                    self._line("!", "yellow", why)
            case ToolStarted(call=call):
                self._end_text()
                self._said = ""
                self._line("→", "cyan", call_text(call))
            case ToolOutput(text=text) if self._words:
                self._said += text
                self._stream(text, "dim")
            case ToolFinished(result=result):
                self._end_text()
                self._result(result)
            case ApprovalAsked(call=call):
                self._end_text()
                self._line("?", "yellow", f"may it call {call_text(call)}?")
            case ApprovalGiven(verdict=verdict, reason=reason):
                self._line("?", "yellow", f"{verdict} {safe(reason)}".rstrip())
            case HandedOff(agent=agent):
                self._line("⇢", "magenta", f"{one_line(agent)} takes over")
            case MessageAdded(message=message):
                self._line("↺", "yellow", one_line(message.text, 200))
            case LimitReached(limit=limit, allowed=allowed):
                self._end_text()
                self._line("!", "yellow", f"limit on {limit} reached ({allowed:g})")
            case RunFailed(message=message):
                self._end_text()
                self._line("✘", "red", safe(message))
            case RunFinished(outcome=outcome) if outcome != "completed":
                self._end_text()
                self._line("!", "yellow", f"the run ended: {outcome}")
            case _:
                self._end_text() if isinstance(event, RunFinished) else None

    def _result(self, result: ToolResult) -> None:
        if result.content.strip() == self._said.strip() != "" and not result.artifacts:
            return  # it was seen as it came
        style, mark = ("red", "✘") if result.error else ("green", "←")
        error = f"{result.error}: " if result.error else ""
        self._line(mark, style, error + one_line(result.content, 200))
        for artifact in result.artifacts:
            size = f"{artifact.blob.size:,} bytes"
            self._line("+", "dim", f"{one_line(artifact.name)} ({artifact.media_type}, {size})")

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
