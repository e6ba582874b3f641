"""The line at the top: where one is, and which model is at work."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from agentlab.display import one_line


class TopBar(Static):
    """`AgentLab › m5/tool-use › First call            local:smollm2`, cut to fit."""

    def __init__(self, *place: str) -> None:
        super().__init__()
        self._place: Sequence[str] = place
        self._right = ""

    def set_right(self, text: str) -> None:
        """Say what stands at the right."""
        self._right = one_line(text, 60)
        self.refresh()

    def render(self) -> Content:
        """The line, as wide as the bar."""
        left = Content.assemble(("AgentLab", "bold $primary"))
        for index, name in enumerate(self._place):
            style = "$foreground" if index == len(self._place) - 1 else "$quiet"
            left = Content.assemble(left, (" › ", "$quiet"), (one_line(name), style))
        width = self.content_size.width
        right = Content.assemble((self._right, "$quiet"))
        gap = width - left.cell_length - right.cell_length
        if gap < 2:
            return left.truncate(width, ellipsis=True)
        return Content.assemble(left, " " * gap, right)
