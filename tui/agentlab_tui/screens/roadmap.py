"""The roadmap: every module and lab, how far one has come, and where to go on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from agentlab.display import counted
from agentlab.tooling.threads import in_thread
from agentlab_tui.catalog import LabEntry, in_order, labs_in
from agentlab_tui.navigation import GoTo, OpenLab
from agentlab_tui.services import Services
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.lab_card import lab_card
from agentlab_tui.widgets.roadmap_list import RoadmapList
from agentlab_tui.widgets.search_line import SearchLine
from agentlab_tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from agentlab_tui.lab_progress import LabProgress
    from agentlab_tui.standing import Standing

_A_MOMENT_S = 0.1


class RoadmapScreen(Screen[None]):
    """Choose a lab."""

    HELP: ClassVar[str | None] = (
        "Every lab of the course, by module. Marks say how far you are: ✔ passed, ◐ begun, "
        "○ open. Grey labs build on others that come first; you may open them all the same. "
        "Type / to search, and Enter to open a lab where you left off."
    )
    CSS_PATH = "../styles/roadmap.tcss"
    AUTO_FOCUS = "RoadmapList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", tooltip="Show only labs that match"),
        Binding("p", "go('playground')", "Playground", tooltip="Put an agent together, and talk"),
        Binding(
            "t", "go('runs')", "Runs", tooltip="All runs, newest first, each with its timeline"
        ),
        Binding("j", "go('jobs')", "Jobs", tooltip="Training jobs, with their curves"),
        Binding("d", "go('doctor')", "Doctor", tooltip="What works on this machine"),
        Binding("escape", "clear", "All labs", key_display="esc", tooltip="Leave the search"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.entries: Sequence[LabEntry] = ()
        self.loaded = False
        self._standings: Mapping[str, Standing] = {}
        self._progress: dict[str, LabProgress] = {}

    def compose(self) -> ComposeResult:
        """The list, and a card on the lab that is marked."""
        yield TopBar("Roadmap")
        yield SearchLine(placeholder="Search labs: words from the title, the id, what it teaches")
        with Horizontal(id="roadmap"):
            yield RoadmapList()
            with VerticalScroll(id="card", can_focus=False):
                yield Static(markup=False)
        yield KeyFooter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A search is left only where there is one."""
        return action != "clear" or not self.is_mounted or self.query_one(SearchLine).display

    def on_mount(self) -> None:
        """The screen is there at once; labs come in one by one."""
        self.query_one(SearchLine).display = False
        self.query_one(RoadmapList).show((), {})
        self.call_after_refresh(self._load)  # a lab's imports must not hold up the first picture

    def on_screen_resume(self) -> None:
        """Back from a lab: marks may have changed."""
        self._progress.clear()
        self._refill()

    @work(exclusive=True)
    async def _load(self) -> None:
        labs = await in_thread(lambda: labs_in(self._services.lab_folders()))
        while batch := await in_thread(partial(_some, labs)):
            self.entries = in_order((*self.entries, *batch))
            self._refill()
        self.loaded = True

    @on(RoadmapList.OptionHighlighted)
    def _mark(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        entry = self.query_one(RoadmapList).current
        if entry:
            progress = self._progress[entry.id]
            card = lab_card(entry, progress, self._standings)
            self.query_one("#card Static", Static).update(card)

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
        search = self.query_one(SearchLine)
        search.display = True
        self.set_focus(search)  # at once: what is typed next belongs to it

    def action_clear(self) -> None:
        """Show all labs again."""
        search = self.query_one(SearchLine)
        search.clear()
        search.display = False
        self.query_one(RoadmapList).focus()

    def action_go(self, place: str) -> None:
        """To another part of the app."""
        self.post_message(GoTo(place))

    def _refill(self) -> None:
        if not self.entries:  # nothing has come in yet
            return
        from agentlab_tui.standing import standings

        for entry in self.entries:
            if entry.id not in self._progress:
                self._progress[entry.id] = self._services.progress.lab(entry.id)
        self._standings = standings(self.entries, self._progress)
        query = self.query_one(SearchLine).value
        matching = [entry for entry in self.entries if entry.matches(query)]
        self.query_one(RoadmapList).show(matching, self._standings, searching=bool(query))
        self.query_one(TopBar).set_right(self._sum_up())

    def _sum_up(self) -> str:
        marks = [s.mark for s in self._standings.values()]
        left = sum(
            entry.lab.minutes
            for entry in self.entries
            if entry.lab and self._standings[entry.id].mark != "passed"
        )
        hours = f"{left / 60:.0f} hours" if left >= 120 else counted(left, "minute")
        return f"{marks.count('passed')} of {counted(len(marks), 'lab')} passed · {hours} to go"


def _some(labs: Iterator[LabEntry]) -> list[LabEntry]:
    """The labs that can be loaded in a moment; none when there are no more."""
    picked: list[LabEntry] = []
    until = time.monotonic() + _A_MOMENT_S
    for entry in labs:
        picked.append(entry)
        if time.monotonic() > until:
            break
    return picked
