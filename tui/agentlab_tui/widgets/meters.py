"""What a talk has cost so far: tokens, money, speed, and how full the model's context is."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from agentlab.messages import Usage

_BAR = 10
_NOTHING = Usage()


class Meters(Static):
    """One line, drawn to the width there is."""

    def __init__(self) -> None:
        super().__init__()
        self._usage = _NOTHING
        self._filled = 0
        self._room = 0
        self._speed = 0.0

    def reset(self, usage: Usage = _NOTHING) -> None:
        """Another conversation, which has cost so much already."""
        self._usage, self._filled, self._speed = usage, 0, 0.0
        self.refresh()

    def set_room(self, tokens: int) -> None:
        """How much the model's context holds; 0 where that is not known."""
        self._room = tokens
        self.refresh()

    def add(self, usage: Usage, seconds: float) -> None:
        """A reply came, and took so long."""
        self._usage += usage
        self._filled = usage.total_tokens
        self._speed = usage.output_tokens / seconds if seconds > 0.05 else 0.0
        self.refresh()

    @property
    def usage(self) -> Usage:
        """All of this conversation."""
        return self._usage

    def render(self) -> Content:
        """The line."""
        usage = self._usage
        cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
        parts = [f"{usage.input_tokens:,} in{cached}", f"{usage.output_tokens:,} out"]
        if usage.cost is not None:
            parts.append("free" if usage.cost == 0 else f"${usage.cost:.4f}")
        if self._speed:
            parts.append(f"{self._speed:.0f} tokens/s")
        line = Content.styled("  ·  ".join(parts), "$quiet")
        if not self._room:
            return line
        share = min(1.0, self._filled / self._room)
        full = min(_BAR, round(share * _BAR + 0.49))
        style = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$success"
        return Content.assemble(
            line,
            ("  ·  context ", "$quiet"),
            ("▰" * full, style),
            ("▱" * (_BAR - full), "$line"),
            (f" {self._filled:,}/{self._room:,}", "$quiet"),
        )
