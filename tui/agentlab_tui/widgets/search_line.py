"""The line a list is searched by; the footer says how one leaves it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class SearchLine(Input):
    """What is typed here leaves only what matches in the list below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "To the list", key_display="⏎", tooltip="To what was found"),
        # while one types, a slash is a slash
        Binding("slash", "type_slash", show=False),
    ]

    def action_type_slash(self) -> None:
        """As any other character."""
        self.insert_text_at_cursor("/")
