"""A picture a tool made, drawn with half blocks."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widgets import Static

from agentlab.display import one_line
from agentlab_tui.widgets.blocks import blocks_of, fitting

_WIDEST = 96


class Figure(Static):
    """A picture in half blocks, as wide as there is room for."""

    def __init__(self, picture: Any, name: str) -> None:
        super().__init__()
        self.border_title = Content(f" {one_line(name, 40)} ")
        self._picture = picture
        self._drawn = 0

    def on_resize(self) -> None:
        """Draw for the width there is."""
        width = min(self.content_size.width, _WIDEST)
        if width > 0 and width != self._drawn:
            self._drawn = width
            self.update(blocks_of(self._picture, fitting(self._picture, width)))
