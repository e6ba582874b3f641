"""The last thing before the terminal: what a widget draws holds nothing that a terminal obeys.

Screens clean what strangers wrote where they show it, and there it stays visible (`␛`). What is
typed, pasted, brought back or named is drawn by Textual's own widgets as it is; here, every line of
every widget passes once more. Pictures in the terminal's own protocol do not come this way.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from agentlab.display import is_safe, stripped


class LastLine(LineFilter):
    """Takes out what could move the cursor, and keeps every line as wide as it was."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same list where there is nothing to take out, which is nearly always."""
        if all(_clean(segment) for segment in segments):
            return segments
        return [segment if _clean(segment) else _cleaned(segment) for segment in segments]


def _clean(segment: Segment) -> bool:
    style = segment.style
    return is_safe(segment.text) and (style is None or not style.link or is_safe(style.link))


def _cleaned(segment: Segment) -> Segment:
    style: Style | None = segment.style
    if style is not None and style.link:
        style = style.update_link(None)
    return Segment(stripped(segment.text).replace("\n", " "), style)
