"""What one sees first, once: what this is, what one can do here, and with which key."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

SEEN = "welcomed"
"""The choice that keeps it from coming back."""
FIRST_MINUTES = 8
"""What the course's first lab says it takes; no lab is loaded before there is a picture."""
_ABOUT = (
    "Here you learn how AI agents work by building them, with a small language model that runs on "
    "this machine. Every lab gives you something to read, something to try, and checks that say "
    "whether it holds."
)
_KEYS = (
    ("enter", f"opens the lab that is marked: the first takes {FIRST_MINUTES} minutes"),
    ("r", "in a lab, runs what you see; n goes to the next step"),
    ("p", "talks to an agent of your own"),
    ("t", "looks back at every run, event by event"),
    ("?", "tells the keys of any screen"),
    ("q", "leaves; what you typed and passed is kept"),
)


class WelcomeScreen(ModalScreen[None]):
    """A short orientation over the roadmap."""

    CSS_PATH = "../styles/help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,space", "close", "Begin", key_display="enter"),
    ]

    def compose(self) -> ComposeResult:
        """What this is, and the keys."""
        rows = [Content.assemble((f"{key:>7}  ", "bold $accent"), says) for key, says in _KEYS]
        with VerticalScroll(id="help") as box:
            box.border_title = "Welcome to AgentLab"
            box.border_subtitle = "enter begins"
            yield Static(_ABOUT, markup=False)
            yield Static(Content("\n").join(rows), id="keys")

    def action_close(self) -> None:
        """To the roadmap."""
        self.dismiss()
