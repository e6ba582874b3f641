"""Take a run elsewhere: which form, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from agentlab_tui.exporting import KINDS, Kind


@dataclass(frozen=True)
class Wanted:
    """An export to be made."""

    kind: Kind
    target: Path


class ExportScreen(ModalScreen[Wanted | None]):
    """Gives what is wanted, or None."""

    CSS_PATH = "../styles/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", priority=True, key_display="esc"),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run
        self._kinds: list[Kind] = list(KINDS)

    def compose(self) -> ComposeResult:
        """The forms there are, and a line for the file."""
        with Vertical(classes="dialog -small") as box:
            box.border_title = Content(" Export ")
            box.border_subtitle = Content(" enter writes it · esc cancels ")
            yield OptionList(
                *(
                    Option(Content.assemble((f"{k}  ".rjust(7), "bold $accent"), KINDS[k][1]), id=k)
                    for k in self._kinds
                ),
                markup=False,
            )
            yield Static(Content.styled("file", "bold"))
            yield Input(id="file")

    def on_mount(self) -> None:
        """The first form is marked."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionHighlighted)
    def _name(self, event: OptionList.OptionHighlighted) -> None:
        suffix = KINDS[self._kinds[event.option_index]][0]
        self.query_one(Input).value = str(Path.cwd() / f"{self._run}{suffix}")

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _write(self) -> None:
        kind = self._kinds[self.query_one(OptionList).highlighted or 0]
        target = Path(self.query_one(Input).value.strip()).expanduser()
        self.dismiss(Wanted(kind, target))

    def action_cancel(self) -> None:
        """Write nothing."""
        self.dismiss(None)
