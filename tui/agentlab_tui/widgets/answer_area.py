"""A text area for answers, coloured to the look of the app; plain where tree-sitter is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import LanguageDoesNotExist, TextAreaTheme

MOST = 200_000
"""Characters of an answer."""


def _theme(name: str, colours: Mapping[str, str]) -> TextAreaTheme:
    styles = {token: Style(color=colour) for token, colour in colours.items()}
    return TextAreaTheme(name=name, syntax_styles=styles)


_THEMES = {
    "dark": _theme(
        "answer-dark",
        {
            "comment": "#7c8798",
            "string": "#9fd6b2",
            "property": "#7cb7ff",
            "toml.type": "#f0b35e",
            "number": "#f0b35e",
            "float": "#f0b35e",
            "boolean": "#b99cff",
            "toml.error": "#ff8080",
            "keyword": "#b99cff",
            "function": "#7cb7ff",
            "type": "#f0b35e",
            "constant.builtin": "#f0b35e",
        },
    ),
    "light": _theme(
        "answer-light",
        {
            "comment": "#6a7180",
            "string": "#1c6b40",
            "property": "#1d5fbf",
            "toml.type": "#9a5700",
            "number": "#9a5700",
            "float": "#9a5700",
            "boolean": "#6b3fc0",
            "toml.error": "#c02f2f",
            "keyword": "#6b3fc0",
            "function": "#1d5fbf",
            "type": "#9a5700",
            "constant.builtin": "#9a5700",
        },
    ),
}


class AnswerArea(TextArea):
    """Where the answer is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "leave",
            "Leave editor",
            priority=True,  # the text area would take it for "next widget"
            tooltip="Back to the lesson and its keys",
        ),
        Binding("ctrl+r", "run", "Run", tooltip="Try this answer without leaving the editor"),
    ]

    class Left(Message):
        """The learner is done typing."""

    class RunWanted(Message):
        """Try the answer."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=True, tab_behavior="indent")
        for theme in _THEMES.values():
            self.register_theme(theme)

    def show(self, text: str, language: str) -> None:
        """Hold another text, in a language that tree-sitter may or may not know."""
        try:
            self.language = language
        except LanguageDoesNotExist:  # tree-sitter without this grammar
            self.language = None
        self.load_text(text)

    def on_paste(self, event: events.Paste) -> None:
        """Take what is still an answer; more would hold up every key."""
        if len(event.text) + len(self.text) > MOST:
            event.stop()
            event.prevent_default()
            self.notify(
                f"That is {len(event.text):,} characters, and an answer has {MOST:,} at most.",
                severity="warning",
                markup=False,
            )

    def notify_style_update(self) -> None:
        """Follow the app from ink to paper and back."""
        look = _THEMES["light" if self.has_pseudo_class("light") else "dark"].name
        if self.theme != look:
            self.theme = look
        super().notify_style_update()

    def action_leave(self) -> None:
        """By key."""
        self.post_message(self.Left())

    def action_run(self) -> None:
        """By key."""
        self.post_message(self.RunWanted())
