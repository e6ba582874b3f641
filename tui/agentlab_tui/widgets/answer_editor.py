"""The learner's answer, TOML or a program. Every change is told, so that it is saved at once."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from agentlab.display import one_line
from agentlab_tui.widgets.agent_form import AgentForm
from agentlab_tui.widgets.answer_area import AnswerArea


class AnswerEditor(Vertical, can_focus=True):
    """An editor that says whose answer it holds, with a line below for what is wrong."""

    class Edited(Message):
        """Something was typed."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self) -> None:
        super().__init__(id="answer")
        self._loaded = ""

    def compose(self) -> ComposeResult:
        """Whose it is, where there is no frame to say so; the text; the line below."""
        yield Static(id="answer-whose")
        yield AnswerArea()
        yield AgentForm(may_ask=False)
        yield Static(id="answer-note")

    @property
    def text(self) -> str:
        """What is in the editor."""
        return self.query_one(AnswerArea).text

    def load(self, text: str, language: str) -> None:
        """Show another answer."""
        self._loaded = text
        self.remove_class("-form")
        self.query_one(AnswerArea).show(text, language)
        self.complain("")

    def focus_text(self) -> None:
        """Go on typing."""
        if self.has_class("-form"):
            self.query_one("#instructions").focus()
        else:
            self.query_one(AnswerArea).focus()

    def replace(self, text: str) -> None:
        """Put another text in place of what is there, as if it were typed."""
        self.query_one(AnswerArea).load_text(text)

    def name_it(self, whose: str) -> None:
        """Say whose answer this is: in the frame, or above the text."""
        self.border_title = Content(f" {whose} ")
        self.query_one("#answer-whose", Static).update(Content(whose))

    def complain(self, problem: str) -> None:
        """Say in one line what is wrong with the answer; empty if nothing is."""
        note = self.query_one("#answer-note", Static)
        note.update(Content.styled(f"✘ {one_line(problem, 400)}", "$error"))
        note.display = bool(problem)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell what was typed, but not what was loaded."""
        event.stop()
        text = event.text_area.text
        if text != self._loaded:
            self._loaded = text
            self.post_message(self.Edited(text))
