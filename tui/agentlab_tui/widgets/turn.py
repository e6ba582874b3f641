"""One turn of a talk: what the person said, and the agent at work on it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as Told
from textual.widgets import Static

from agentlab.backend import TokenInfo
from agentlab.display import safe
from agentlab.messages import Message
from agentlab_tui.widgets.flow import Flow


class TurnHead(Static, can_focus=True):
    """What was said. It can be edited and said again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "e,enter",
            "edit",
            "Edit and say again",
            key_display="e",
            tooltip="Edit these words and say them again, from here",
        ),
    ]

    class EditWanted(Told):
        """These words again, to be changed."""

    def action_edit(self) -> None:
        """By key."""
        self.post_message(self.EditWanted())


class TurnView(Vertical):
    """A turn, and all that is known of it."""

    class EditWanted(Told):
        """Go back to before this turn, with its words to edit."""

        def __init__(self, turn: TurnView) -> None:
            self.turn = turn
            super().__init__()

    def __init__(self, text: str, before: tuple[Message, ...]) -> None:
        self._head = TurnHead()
        self.flow = Flow()
        super().__init__(self._head, self.flow)
        self.text = text
        self.before = before
        """The conversation as it was before these words."""
        self.trace: Path | None = None
        self.tokens: tuple[TokenInfo, ...] = ()
        self._head.update(Content.assemble(("❯ ", "bold $accent"), (safe(text), "$quiet")))

    @on(TurnHead.EditWanted)
    def _want_edit(self, event: TurnHead.EditWanted) -> None:
        event.stop()
        self.post_message(self.EditWanted(self))
