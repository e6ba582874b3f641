"""A tool call, opening as it happens: its arguments while they are written, then its result."""

from __future__ import annotations

from typing import Any, cast

from pydantic_core import from_json
from textual.content import Content
from textual.widgets import Static

from agentlab.display import one_line, safe
from agentlab.messages import ToolCall, ToolResult

_MOST = 1_200
_MOST_LINES = 8


class Call(Static):
    """One call. Its border says how it goes: at work, answered, or in error."""

    def __init__(self, name: str) -> None:
        super().__init__(classes="-busy")
        self.border_title = Content(f" {one_line(name, 40)} ")
        self._written = ""
        self._call: ToolCall | None = None
        self._output = ""
        self._result: ToolResult | None = None

    @property
    def is_done(self) -> bool:
        """It has its result, so another call may use its id again."""
        return self._result is not None

    def write(self, arguments: str) -> None:
        """The model writes more of the arguments."""
        self._written += arguments
        self._draw()

    def start(self, call: ToolCall) -> None:
        """The call is whole, and the tool is at work."""
        self._call = call
        self._draw()

    def add_output(self, text: str) -> None:
        """The tool says something while it works."""
        self._output = (self._output + text)[-_MOST:]
        self._draw()

    def finish(self, result: ToolResult) -> None:
        """The call has its result."""
        self._result = result
        self.remove_class("-busy")
        self.add_class("-failed" if result.error else "-answered")
        self._draw()

    def _draw(self) -> None:
        lines = [arguments_of(self._call) if self._call else Content(safe(self._written))]
        if self._output:
            lines.append(Content.styled(_clip(self._output), "$quiet"))
        if result := self._result:
            mark = ("✘ ", "bold $error") if result.error else ("← ", "bold $success")
            error = (f"{result.error}: ", "$error") if result.error else ""
            lines.append(Content.assemble(mark, error, _clip(result.content)))
            for file in result.artifacts:
                about = f"+ {one_line(file.name)} ({one_line(file.media_type, 40)})"
                lines.append(Content.styled(about, "$quiet"))
        self.update(Content("\n").join(lines))


def arguments_of(call: ToolCall) -> Content:
    """What a call is given, a line for each argument."""
    try:
        arguments: object = from_json(call.arguments or "{}")
    except ValueError:
        return Content.styled(_clip(call.arguments), "$warning")
    if not isinstance(arguments, dict):
        return Content(_clip(call.arguments))
    rows = [
        Content.assemble((one_line(name, 30), "$accent"), ("  ", ""), _clip(_text(value)))
        for name, value in cast(dict[str, Any], arguments).items()
    ]
    return Content("\n").join(rows) if rows else Content.styled("no arguments", "$quiet")


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _clip(text: str) -> str:
    short = safe(text[:_MOST]).rstrip("\n")
    lines = short.split("\n")
    cut = len(text) > _MOST or len(lines) > _MOST_LINES
    return "\n".join(lines[:_MOST_LINES]) + (" … (the whole is in the trace)" if cut else "")
