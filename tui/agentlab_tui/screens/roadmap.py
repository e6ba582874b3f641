"""The roadmap: every module and lab, how far one has come, and where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static

from agentlab.threads import in_thread
from agentlab_tui.catalog import LabEntry, in_order, labs_in
from agentlab_tui.navigation import OpenLab, OpenRuns
from agentlab_tui.services import Services
from agentlab_tui.widgets.lab_card import lab_card
from agentlab_tui.widgets.roadmap_list import RoadmapList
from agentlab_tui.widgets.top_bar import TopBar


class RoadmapScreen(Screen[None]):
    """Choose a lab."""

    HELP: ClassVar[str | None] = (
        "Every lab of the course, by module. Marks say how far you are: ✔ passed, ◐ begun, "
        "○ open. Type / to search, and Enter to open a lab."
    )
    CSS_PATH = "../styles/roadmap.tcss"
    AUTO_FOCUS = "RoadmapList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", tooltip="Show only labs that match"),
        Binding("t", "runs", "Runs", tooltip="All runs, newest first, each with its timeline"),
        Binding("escape", "clear", "Clear search", show=False),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.entries: Sequence[LabEntry] = ()
        self.loaded = False

    def compose(self) -> ComposeResult:
        """The list, and a card on the lab that is marked."""
        yield TopBar("Roadmap")
        yield Input(placeholder="Search labs: words from the title, the id, what it teaches")
        with Horizontal(id="roadmap"):
            yield RoadmapList(self._services.progress)
            with VerticalScroll(id="card", can_focus=False):
                yield Static(markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """The screen is there at once; labs come in one by one."""
        self.query_one(Input).display = False
        self.query_one(RoadmapList).show(())
        self._load()

    def on_screen_resume(self) -> None:
        """Back from a lab: marks may have changed."""
        self._refill()

    @work(exclusive=True)
    async def _load(self) -> None:
        labs = labs_in(self._services.roots)
        while entry := await in_thread(partial(next, labs, None)):
            self.entries = in_order((*self.entries, entry))
            self._refill()
        self.loaded = True

    @on(RoadmapList.OptionHighlighted)
    def _mark(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        entry = self.query_one(RoadmapList).current
        if entry:
            progress = self._services.progress.lab(entry.id)
            self.query_one("#card Static", Static).update(lab_card(entry, progress))

    @on(RoadmapList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        entry = self.query_one(RoadmapList).current
        if entry:
            self.post_message(OpenLab(entry))

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        self._refill()

    @on(Input.Submitted)
    def _searched(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(RoadmapList).focus()

    def action_search(self) -> None:
        """Show the search line."""
        search = self.query_one(Input)
        search.display = True
        search.focus()

    def action_clear(self) -> None:
        """Show all labs again."""
        search = self.query_one(Input)
        search.clear()
        search.display = False
        self.query_one(RoadmapList).focus()

    def action_runs(self) -> None:
        """To the list of runs."""
        self.post_message(OpenRuns())

    def _refill(self) -> None:
        query = self.query_one(Input).value
        found = [entry for entry in self.entries if entry.matches(query)]
        self.query_one(RoadmapList).show(found, searching=bool(query))
