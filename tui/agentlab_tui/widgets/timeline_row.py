"""One event as a line: when, what, and a bar for how long it took."""

from __future__ import annotations

from textual.content import Content

from agentlab.display import one_line
from agentlab_tui.fold import Row

_TRACK = 20
_LEAST = 0.0005


class RowDrawer:
    """Draws rows to a run's own scale of time."""

    def __init__(self) -> None:
        self.length = 0.0
        """Seconds from the first record to the last."""

    def draw(self, row: Row, width: int) -> Content:
        """The line, exactly as wide as asked."""
        took = f"{row.took:.2f}s" if row.took is not None and row.took >= 0.005 else ""
        track = _TRACK if width >= 92 else 0
        room = max(1, width - 19 - (track + 2 if track else 0))
        line = Content.assemble(
            (f"{row.at:8.2f}s ", "$quiet"),
            (f"{row.mark} ", f"bold {row.style}"),
            (one_line(row.text, room).ljust(room), "$foreground"),
            (f"{took:>7} ", "$quiet"),
        )
        return Content.assemble(line, " ", *self._bar(row, track)) if track else line

    def _bar(self, row: Row, track: int) -> list[tuple[str, str]]:
        """Where in the run this event's time lies: it ends when the record was written."""
        if self.length <= 0 or row.took is None or row.took < _LEAST:
            return [("╌" * track, "$line")]
        begin = (row.at - row.took) / self.length * track
        first = min(track - 1, int(begin))
        cells = max(1, min(track - first, round(row.took / self.length * track)))
        return [
            ("╌" * first, "$line"),
            ("━" * cells, row.style),
            ("╌" * (track - first - cells), "$line"),
        ]
