"""One run as a timeline, with everything a record holds beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from agentlab.attached import attached_in, attached_to
from agentlab.display import counted, one_line
from agentlab.errors import AgentLabError, TraceError
from agentlab.messages import Artifact
from agentlab.tooling.threads import in_thread
from agentlab.trace import Trace, trace_path
from agentlab_tui.detail import detail_of
from agentlab_tui.exporting import write_export
from agentlab_tui.fold import Row, rows_of
from agentlab_tui.forking import Change
from agentlab_tui.navigation import OpenDiff, OpenFork
from agentlab_tui.screens.export import ExportScreen, Wanted
from agentlab_tui.screens.fork import ForkScreen
from agentlab_tui.services import Services
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.media import media_widgets
from agentlab_tui.widgets.search_line import SearchLine
from agentlab_tui.widgets.timeline_row import RowDrawer
from agentlab_tui.widgets.top_bar import TopBar
from agentlab_tui.widgets.virtual_list import VirtualList

SPEEDS = (0.5, 1, 2, 4, 8, 16)
LONGEST_PAUSE_S = 2.0
"""Between two events that are played: nobody wants to watch a model load."""


class TimelineScreen(Screen[None]):
    """What happened in a run, event by event."""

    HELP: ClassVar[str | None] = (
        "§ instructions, ❯ user, » the model, → a tool begins, ← its result, ■ the end. Times are "
        "from the start of the run; the bar shows when and how long. Arrows step, space plays. "
        "f changes what stands at an event and goes on live from there; nothing before it is run "
        "again."
    )
    CSS_PATH = ["../styles/media.tcss", "../styles/timeline.tcss"]
    AUTO_FOCUS = "VirtualList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back"),
        Binding(
            "slash", "search", "Search", key_display="/", tooltip="Show only events that match"
        ),
        Binding("space", "play", "Play", tooltip="Play on from here, or pause"),
        Binding("plus,equals_sign", "speed(1)", "Faster", show=False, tooltip="Play faster"),
        Binding("minus", "speed(-1)", "Slower", show=False, tooltip="Play slower"),
        Binding(
            "right_square_bracket",
            "reply(1)",
            "Next reply",
            show=False,
            key_display="]",
            tooltip="To the model's next reply",
        ),
        Binding(
            "left_square_bracket",
            "reply(-1)",
            "Last reply",
            show=False,
            key_display="[",
            tooltip="To the reply before",
        ),
        Binding("f", "fork", "Fork", tooltip="Change something here, and go on live"),
        Binding("d", "diff", "Diff", tooltip="Beside the run it was forked from"),
        Binding("x", "export", "Export", tooltip="Write it out: a page, chat lines, spans"),
        Binding("c", "copy", "Copy", show=False, tooltip="Copy the detail to the clipboard"),
        Binding("f5", "reload", "Reload", show=False, tooltip="Read the trace again"),
        Binding("tab", "app.focus_next", "List or detail", show=False),
    ]

    def __init__(self, services: Services, path: Path) -> None:
        super().__init__()
        self._services = services
        self._path = path
        self._trace: Trace | None = None
        self._rows: Sequence[Row] = ()
        self._drawer = RowDrawer()
        self._speed = 1
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """A head, the events, the detail."""
        yield TopBar("Runs", self._path.stem)
        yield Static(id="about", markup=False)
        yield SearchLine(
            placeholder="Search this run: words, a tool's name, or a kind such as tool_finished"
        )
        with Horizontal(id="timeline"):
            yield VirtualList[Row](self._drawer.draw)
            with VerticalScroll(id="detail"):
                yield Static(markup=False)
                yield Vertical(id="media")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load without keeping anyone waiting."""
        self.query_one(SearchLine).display = False
        self._load()

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        about = self.query_one("#about", Static)
        about.update("reading …")
        try:
            trace, rows = await in_thread(self._read)
        except TraceError as error:
            about.update(Content.styled(one_line(f"✘ {error}", 600), "$error"))
            return
        self._trace, self._rows = trace, rows
        self._drawer.length = rows[-1].at if rows else 0.0
        about.update(_about(trace))
        self.query_one(TopBar).set_right(trace.header.backend.name)
        self._filter()

    def _read(self) -> tuple[Trace, Sequence[Row]]:
        trace = Trace.load(self._path)
        return trace, list(rows_of(trace.records))

    @work(exclusive=True, group="filter")
    async def _filter(self) -> None:
        query = self.query_one(SearchLine).value
        rows = self._rows
        if query.strip():
            rows = await in_thread(partial(_matching, rows, query))
        self.query_one(VirtualList[Row]).set_items(rows, keep_cursor=True)
        self._say_where()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        self._filter()

    @on(Input.Submitted)
    def _searched(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(VirtualList).focus()

    @on(VirtualList.Marked)
    def _show(self, event: VirtualList.Marked) -> None:
        row = self.query_one(VirtualList[Row]).current
        if row is not None:
            self.query_one("#detail Static", Static).update(detail_of(row))
            self.query_one("#detail").scroll_home(animate=False)
            self._show_media(row)
        self._say_where()

    @work(exclusive=True, group="media")
    async def _show_media(self, row: Row) -> None:
        """What can be seen or heard of an event, below its words."""
        media = self.query_one("#media")
        await media.remove_children()
        await media.mount_all(media_widgets(_attached(row)))

    @on(VirtualList.Chosen)
    def _to_detail(self, event: VirtualList.Chosen) -> None:
        self.query_one("#detail").focus()

    def _say_where(self) -> None:
        rows = self.query_one(VirtualList[Row])
        count, all_of = len(rows.items), len(self._rows)
        of_all = "" if count == all_of else f" of {all_of:,}"
        place = f"{rows.cursor + 1:,}/{count:,}{of_all}" if count else f"none{of_all} matches"
        playing = f" ▶ {SPEEDS[self._speed]:g}×" if self._timer else ""
        rows.border_title = Content(f" {place}{playing} ")

    def action_play(self) -> None:
        """Begin to play, or pause."""
        if self._timer is not None:
            self._pause()
        else:
            self._wait_for_next()
        self._say_where()

    def _pause(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _wait_for_next(self) -> None:
        rows = self.query_one(VirtualList[Row])
        self._timer = None
        if rows.cursor + 1 >= len(rows.items):
            return
        gap = rows.items[rows.cursor + 1].at - rows.items[rows.cursor].at
        pause = min(max(0.0, gap) / SPEEDS[self._speed], LONGEST_PAUSE_S)
        self._timer = self.set_timer(max(0.02, pause), self._play_next)

    def _play_next(self) -> None:
        self.query_one(VirtualList[Row]).cursor += 1
        self._wait_for_next()
        self._say_where()

    def action_speed(self, by: int) -> None:
        """Play faster or slower."""
        self._speed = max(0, min(len(SPEEDS) - 1, self._speed + by))
        if self._timer is not None:
            self._pause()
            self._wait_for_next()
        else:
            self.notify(f"plays at {SPEEDS[self._speed]:g}×", markup=False, timeout=2)
        self._say_where()

    def action_reply(self, by: int) -> None:
        """To the model's next reply, or the one before."""
        rows = self.query_one(VirtualList[Row])
        place = rows.cursor + by
        while 0 <= place < len(rows.items):
            if rows.items[place].record.event.kind == "model_replied":
                rows.cursor = place
                return
            place += by

    def action_fork(self) -> None:
        """Change something at this event."""
        row, trace = self.query_one(VirtualList[Row]).current, self._trace
        if row is None or trace is None:
            return
        self._pause()

        def go(change: Change | None) -> None:
            if change is not None:
                self.post_message(OpenFork(trace, change))

        self.app.push_screen(  # pyright: ignore[reportUnknownMemberType]
            ForkScreen(row.record, trace.header.backend.name), go
        )

    def action_diff(self) -> None:
        """Beside its parent."""
        parent = self._trace.header.parent if self._trace else None
        path = trace_path(self._path.parent, parent.run) if parent else None
        if path is None or not path.is_file():
            self.notify(
                "This run was not forked from one that is here. To compare any two: mark one in "
                "the list of runs with space, and press d on the other.",
                markup=False,
            )
            return
        self.post_message(OpenDiff(path, self._path))

    def action_export(self) -> None:
        """Choose a form and a file."""

        def write(wanted: Wanted | None) -> None:
            if wanted is not None:
                self._export(wanted)

        self.app.push_screen(  # pyright: ignore[reportUnknownMemberType]
            ExportScreen(self._path.stem), write
        )

    @work(group="export")
    async def _export(self, wanted: Wanted) -> None:
        try:
            await in_thread(partial(write_export, self._path, wanted.kind, wanted.target))
        except AgentLabError as error:
            self.notify(str(error), severity="error", markup=False, timeout=10)
        else:
            self.notify(f"wrote {wanted.target}", markup=False)

    def action_copy(self) -> None:
        """The detail, to the clipboard."""
        row = self.query_one(VirtualList[Row]).current
        if row is not None:
            self.app.copy_to_clipboard(  # pyright: ignore[reportUnknownMemberType]
                detail_of(row).plain
            )
            self.notify("copied", markup=False, timeout=2)

    def action_search(self) -> None:
        """Show the search line."""
        search = self.query_one(SearchLine)
        search.display = True
        self.set_focus(search)  # at once: what is typed next belongs to it

    def action_reload(self) -> None:
        """Read again: the run may have gone on."""
        self._load()

    def action_back(self) -> None:
        """Out of the search, then back to where one came from."""
        search = self.query_one(SearchLine)
        if search.display:
            search.display = False
            search.clear()
            self.query_one(VirtualList).focus()
        else:
            self.dismiss()


def _matching(rows: Sequence[Row], query: str) -> list[Row]:
    words = query.casefold().split()
    return [
        row
        for row in rows
        if all(word in row.text.casefold() or word in row.record.event.kind for word in words)
    ]


def _attached(row: Row) -> Iterable[Artifact]:
    return attached_in(row.message) if row.message else attached_to(row.record.event)


def _about(trace: Trace) -> Content:
    header = trace.header
    when = datetime.fromtimestamp(header.created).strftime("%Y-%m-%d %H:%M:%S")
    parts = [when, *(f"{k} {v}" for k, v in header.labels.items()), header.backend.model]
    parts += [f"tools: {', '.join(tool.name for tool in header.tools)}"] if header.tools else []
    parts += [f"forked from {header.parent.run} at {header.parent.seq}"] if header.parent else []
    parts += [counted(len(trace.records), "record")]
    line = Content.styled(one_line("  ·  ".join(parts), 400), "$quiet")
    if trace.torn:
        line = Content.assemble(line, (f"  ·  {trace.torn} bytes can't be read", "$warning"))
    return line
