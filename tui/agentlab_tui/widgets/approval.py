"""A question in the middle of a run: may this call be made?"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static, TextArea

from agentlab.approval import Decision
from agentlab.display import one_line
from agentlab_tui.consent import Asked
from agentlab_tui.widgets.call import arguments_of

DENIED = "the user said no"
A_MOMENT_S = 0.4


class ApprovalWord(Static):
    """One of the answers; a click gives it."""

    def __init__(self, key: str, says: str, action: str) -> None:
        super().__init__(Content.assemble((f" {key} ", "bold reverse"), f" {says}"))
        self._action = action

    async def on_click(self, event: Click) -> None:
        """Answer."""
        event.stop()
        self.post_message(Approval.Clicked(self._action))


class Approval(Vertical, can_focus=True):
    """Waits for y, a or d. It says which call it is about, and stands right below that call."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "allow", "Allow", tooltip="Let it make this call"),
        Binding("a", "always", "Always", tooltip="Let it make this and every later call of it"),
        Binding("d", "deny", "Deny", tooltip="Do not let it; the model is told so"),
    ]

    class Answered(Message):
        """The person has decided."""

    class Clicked(Message):
        """One of the answers was clicked."""

        def __init__(self, word: str) -> None:
            self.word = word
            super().__init__()

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self._open

    def compose(self) -> ComposeResult:
        """The question, and the answers there are."""
        name = one_line(self._asked.call.name, 40)
        yield Static(Content(f"May it call {name}?"), id="question")
        yield Static(arguments_of(self._asked.call), id="about")
        with Horizontal():
            yield ApprovalWord("y", "Allow", "allow")
            yield ApprovalWord("a", "Always", "always")
            yield ApprovalWord("d", "Deny", "deny")

    def on_approval_clicked(self, event: Approval.Clicked) -> None:
        """As by key."""
        event.stop()
        {"allow": self.action_allow, "always": self.action_always, "deny": self.action_deny}[
            event.word
        ]()

    def on_mount(self) -> None:
        """Wait a moment: a key on its way to somewhere else is no consent."""
        self.set_timer(A_MOMENT_S, self._take_keys)

    def _take_keys(self) -> None:
        """Take the keys, but never from somebody who is typing."""
        if not self._open:
            return
        typing = self.screen.focused
        if not (isinstance(typing, TextArea) and typing.text):
            self.focus(scroll_visible=True)

    def action_allow(self) -> None:
        """Yes."""
        self._answer(Decision(verdict="allow"), "allowed")

    def action_always(self) -> None:
        """Yes, and do not ask again."""
        self._answer(Decision(verdict="allow"), "always allowed", always=True)

    def action_deny(self) -> None:
        """No."""
        self._answer(Decision(verdict="deny", reason=DENIED), "denied")
        self.display = False  # the call says that it was refused, and why

    def close(self) -> None:
        """The run has ended: nobody asks any more."""
        if self._open:
            self._close("no longer asked")

    def _answer(self, decision: Decision, word: str, *, always: bool = False) -> None:
        if not self._open:
            return
        self._asked.answer(decision, always)
        self._close(word)
        self.post_message(self.Answered())

    def _close(self, word: str) -> None:
        self._open = False
        self.add_class("-answered")
        self.can_focus = False
        self.query("#about, Horizontal").remove()
        name = one_line(self._asked.call.name, 40)
        self.query_one("#question", Static).update(Content.styled(f"{name}: {word}", "$quiet"))
