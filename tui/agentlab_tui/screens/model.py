"""Choose a model: one of those that are here, or any that has a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from agentlab.display import one_line
from agentlab.tooling.threads import in_thread
from agentlab_tui.models_here import ModelHere, models_here


class ModelScreen(ModalScreen[str | None]):
    """Gives the name, or None."""

    CSS_PATH = "../styles/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", priority=True, key_display="esc"),
    ]

    def __init__(self, now: str) -> None:
        super().__init__()
        self._now = now
        self._models: Sequence[ModelHere] = ()

    def compose(self) -> ComposeResult:
        """Those that are here, and a line for any other."""
        with Vertical(classes="dialog -small") as box:
            box.border_title = Content(" Model ")
            box.border_subtitle = Content(" enter chooses · esc cancels ")
            yield OptionList(markup=False)
            hint = "or any name: mine.gguf, local:smollm2+lora.gguf, openai:gpt-…"
            yield Static(Content.styled(hint, "$quiet"))
            yield Input(self._now)

    def on_mount(self) -> None:
        """Look without keeping anyone waiting."""
        self.query_one(OptionList).focus()
        self._look()

    @work
    async def _look(self) -> None:
        self._models = await in_thread(models_here)
        options = self.query_one(OptionList)
        options.set_options(Option(_line(model), id=model.name) for model in self._models)
        names = [model.name for model in self._models]
        options.highlighted = names.index(self._now) if self._now in names else 0

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        model = self._models[event.option_index]
        if model.whole and model.here:
            self.dismiss(model.name)
        elif model.whole:
            self.notify(model.about, severity="warning", markup=False)
        else:  # a service: its model is still to be named
            line = self.query_one(Input)
            line.value = model.name
            line.focus()
            line.action_end()

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def action_cancel(self) -> None:
        """Keep the one there is."""
        self.dismiss(None)


def _line(model: ModelHere) -> Content:
    sign, style = ("✔", "$success") if model.answers else ("·", "$quiet")
    name = model.name if model.whole else f"{model.name}…"
    about = model.about.removeprefix("not installed: ")  # as the line that installs it says
    return Content.assemble(
        (f"{sign} ", f"bold {style}"),
        (f"{name:<22}", "bold" if model.here else "$quiet"),
        (one_line(about, 44), "$quiet"),
    )
