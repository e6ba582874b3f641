"""All runs, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from agentlab.display import counted, one_line
from agentlab.tooling.threads import in_thread
from agentlab_tui.navigation import OpenDiff, OpenTrace
from agentlab_tui.run_list import MOST, RunSummary, summaries
from agentlab_tui.services import Services
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.search_line import SearchLine
from agentlab_tui.widgets.top_bar import TopBar
from agentlab_tui.widgets.virtual_list import VirtualList

_BATCH = 100


class RunsScreen(Screen[None]):
    """Choose a run to look back at."""

    HELP: ClassVar[str | None] = (
        "Every run leaves a trace: what the model was told, what it said, each call and its "
        "result. Enter opens one as a timeline; / searches by lab, model, day or outcome. To "
        "compare two, mark one with space and press d on the other."
    )
    CSS_PATH = "../styles/runs.tcss"
    AUTO_FOCUS = "VirtualList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", tooltip="Show only runs that match"),
        Binding("space", "mark", "Mark", tooltip="Mark this run, to compare it with another"),
        Binding("d", "diff", "Diff", tooltip="Beside the marked run"),
        Binding("f5", "reload", "Reload", tooltip="Look for new runs"),
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._runs: Sequence[RunSummary] = ()
        self._marked: Path | None = None

    def compose(self) -> ComposeResult:
        """A head, and the list."""
        yield TopBar("Runs")
        yield SearchLine(placeholder="Search runs: lab, model, day, outcome")
        yield Static(id="columns", markup=False)
        yield VirtualList[RunSummary](self._row)
        yield Static(id="runs-note", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read the folder without keeping anyone waiting."""
        self.query_one(SearchLine).display = False
        self._load()

    def on_resize(self) -> None:
        """The head has the same columns as the rows."""
        self.call_after_refresh(self._draw_head)

    def _draw_head(self) -> None:
        width = max(1, self.query_one(VirtualList).size.width - 2)
        self.query_one("#columns", Static).update(
            Content.styled(
                "  " + _columns("when", "what ran", "model", "came to", width - 2), "$quiet"
            )
        )

    @work(exclusive=True)
    async def _load(self) -> None:
        note = self.query_one("#runs-note", Static)
        note.update("reading …")
        loaded: list[RunSummary] = []
        source = summaries(self._services.runs)
        while batch := await in_thread(partial(_take, source)):
            loaded += batch
            self._runs = tuple(loaded)
            self._fill()
        where = one_line(str(self._services.runs), 200)
        if not loaded:
            note.update(f"no runs in {where} yet: open a lab and press r")
        else:
            most = f", the newest {MOST:,}" if len(loaded) == MOST else ""
            note.update(f"{counted(len(loaded), 'run')}{most} in {where}")

    @on(VirtualList.Chosen)
    def _open(self, event: VirtualList.Chosen) -> None:
        run = self.query_one(VirtualList[RunSummary]).current
        if run is None:
            return
        if run.problem:
            self.notify(run.problem, severity="error", markup=False)
        else:
            self.post_message(OpenTrace(run.path))

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _searched(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(VirtualList).focus()

    def action_search(self) -> None:
        """Show the search line."""
        search = self.query_one(SearchLine)
        search.display = True
        self.set_focus(search)  # at once: what is typed next belongs to it

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take the mark back."""
        run = self.query_one(VirtualList[RunSummary]).current
        if run is not None:
            self._marked = None if self._marked == run.path else run.path
            self.query_one(VirtualList).refresh()

    def action_diff(self) -> None:
        """The marked run and this one, the older first."""
        run = self.query_one(VirtualList[RunSummary]).current
        if run is None or self._marked in (None, run.path):
            self.notify("Mark one run with space, then press d on another.", markup=False)
        else:
            a, b = sorted((self._marked, run.path))
            self.post_message(OpenDiff(a, b))

    def _row(self, run: RunSummary, width: int) -> Content:
        sign = ("◆ ", "bold $accent") if run.path == self._marked else ("  ", "")
        return Content.assemble(sign, _row(run, width - 2))

    def action_reload(self) -> None:
        """Look again."""
        self._load()

    def action_back(self) -> None:
        """Out of the search, then back."""
        search = self.query_one(SearchLine)
        if search.display:
            search.clear()
            search.display = False
            self.query_one(VirtualList).focus()
        else:
            self.dismiss()

    def _fill(self) -> None:
        query = self.query_one(SearchLine).value
        matching = [run for run in self._runs if run.matches(query)]
        self.query_one(VirtualList[RunSummary]).set_items(matching, keep_cursor=True)


def _take(source: Iterator[RunSummary]) -> list[RunSummary]:
    return list(islice(source, _BATCH))


def _row(run: RunSummary, width: int) -> Content:
    if run.problem:
        text = one_line(f"{run.path.name}  {run.problem}", width)
        return Content.assemble((text, "$error"))
    style = {
        "completed": "$success",
        "passed": "$success",
        "failed": "$error",
        "not passed": "$error",
    }.get(run.ended, "$warning")
    line = _columns(run.when, run.what, run.model, "", width)
    return Content.assemble(line, (run.ended, style))


def _columns(when: str, what: str, model: str, ended: str, width: int) -> str:
    if width < 96:  # what was asked is worth more than the second, or the model
        room = max(6, width - 13 - 10)
        return f"{when[5:16]:<13}{one_line(what, room - 2):<{room}}{ended}"
    room = max(10, width - 21 - 22 - 12)
    return f"{when:<21}{one_line(what, room - 2):<{room}}{one_line(model, 20):<22}{ended}"
