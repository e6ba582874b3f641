"""Change something at an event of a run, and go on live from there."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from agentlab.display import one_line, safe
from agentlab.trace import Record
from agentlab_tui.forking import Change, editable

_PROMISE = "What was done until here is taken from the trace: no model and no tool runs again."


class ForkScreen(ModalScreen[Change | None]):
    """Gives the change, or None."""

    CSS_PATH = "../styles/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "go", "Go on live", priority=True),
        Binding("escape", "cancel", "Cancel", priority=True, key_display="esc"),
    ]

    def __init__(self, record: Record, backend: str) -> None:
        super().__init__()
        self._record = record
        self._offer = editable(record)
        self._backend = backend
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The words to change, and the model that goes on."""
        kind = self._record.event.kind.replace("_", " ")
        with Vertical(classes="dialog") as box:
            box.border_title = Content(f" Fork at record {self._record.seq} · {kind} ")
            box.border_subtitle = Content(" ctrl+s goes on live · esc cancels ")
            yield Static(Content.styled(_PROMISE, "$quiet"), classes="about")
            yield Static(Content.styled(one_line(self._offer.label, 200), "bold"))
            yield TextArea(safe(self._offer.text), soft_wrap=True, id="words")
            yield Static(Content.styled("model", "bold"))
            yield Input(placeholder=f"{one_line(self._backend)}, as before", id="model")

    def on_mount(self) -> None:
        """Straight to the words."""
        words = self.query_one(TextArea)
        self._shown = words.text
        words.focus()

    def on_input_submitted(self) -> None:
        """Enter behind the model's name goes on as well."""
        self.action_go()

    def action_go(self) -> None:
        """Go on."""
        model = self.query_one(Input).value.strip()
        text = self.query_one(TextArea).text
        if text == self._shown:
            text = self._offer.text  # left as they were, the words keep what can't be shown
        if self._offer.how == "say" and not text.strip():
            self.notify("Say something first: the run has nothing to go on from.", markup=False)
            return
        self.dismiss(Change(self._record.seq, self._offer.how, text, model or None))

    def action_cancel(self) -> None:
        """Leave all as it is."""
        self.dismiss(None)
