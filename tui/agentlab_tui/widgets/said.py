"""What a model says, growing as it comes."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from agentlab.display import safe

FULL = 2_000
"""Characters after which a new block is begun, so that a repaint stays cheap."""


class Said(Static):
    """A piece of the model's text."""

    def __init__(self, *, thought: bool = False) -> None:
        super().__init__(classes="-thought" if thought else "")
        self.thought = thought
        self._text = ""
        self._style = "italic $quiet" if thought else ""

    @property
    def is_full(self) -> bool:
        """Whether more text should go into a new block."""
        return len(self._text) >= FULL

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._text

    def add(self, text: str) -> None:
        """Say more."""
        self._text += text
        self.update(Content.styled(safe(self._text).strip("\n"), self._style))
