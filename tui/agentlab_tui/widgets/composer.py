"""Where one writes what to say: Enter says it, ctrl+j begins a new line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

MOST = 200_000
"""Characters that can be said at once; more is no conversation, and would hold up every key."""


class Composer(TextArea):
    """A few lines of text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "say", "Say", tooltip="Say this"),
        Binding(
            "escape",
            "leave",
            "Keys",
            priority=True,
            key_display="esc",
            tooltip="Out of the text, to the keys of this screen",
        ),
        Binding("ctrl+j", "new_line", "New line", tooltip="Begin a new line"),
    ]

    class Said(Message):
        """Say this."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Recall(Message):
        """Up, in an empty line or in words that were brought back: those that were said before."""

    class Left(Message):
        """Out of the text."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, id="composer")
        self._recalled, self._back = "", 0

    def on_key(self, event: events.Key) -> None:
        """Enter and up are ours; the text area has all others."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_say()
        elif event.key == "up" and (not self.text or self._is_recalled):
            event.stop()
            event.prevent_default()
            self.post_message(self.Recall())

    @property
    def _is_recalled(self) -> bool:
        return self.text == self._recalled and self.cursor_location[0] == 0

    def recall(self, sent: Sequence[str]) -> None:
        """Bring back what was said, the last first; `sent` is in the order in which it was sent."""
        if self.text and self._back:
            self._back = min(self._back + 1, len(sent))
        else:
            self._back = min(1, len(sent))
        if self._back:
            self._recalled = sent[-self._back]
            self.load_text(self._recalled)
            self.move_cursor((0, len(self.document.get_line(0))))

    def on_paste(self, event: events.Paste) -> None:
        """Take what can be said at once."""
        if len(event.text) + len(self.text) > MOST:
            event.stop()
            event.prevent_default()
            self.notify(
                f"That is {len(event.text):,} characters, and {MOST:,} is the most one can say: "
                "put it into a file, and give the agent read_file.",
                severity="warning",
                markup=False,
            )

    def action_say(self) -> None:
        """By key."""
        if self.text.strip():
            self.post_message(self.Said(self.text))

    def action_leave(self) -> None:
        """By key."""
        self.post_message(self.Left())

    def action_new_line(self) -> None:
        """By key."""
        self.insert("\n")
