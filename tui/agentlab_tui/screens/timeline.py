"""One run as a timeline, with everything a record holds beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from agentlab.display import one_line
from agentlab.errors import TraceError
from agentlab.threads import in_thread
from agentlab.trace import Trace
from agentlab_tui.detail import detail_of
from agentlab_tui.fold import Row, rows_of
from agentlab_tui.widgets.top_bar import TopBar
from agentlab_tui.widgets.virtual_list import VirtualList


class TimelineScreen(Screen[None]):
    """What happened in a run, event by event."""

    HELP: ClassVar[str | None] = (
        "§ instructions, ❯ user, » the model, → a tool begins, ← its result, ■ the end. Times are "
        "from the start of the run; + is the time since the event before. Tab moves to the detail."
    )
    CSS_PATH = "../styles/timeline.tcss"
    AUTO_FOCUS = "VirtualList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "reload", "Reload", tooltip="Read the trace again: the run may have gone on"),
        Binding("tab", "app.focus_next", "List or detail", show=False),
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        """A head, the events, the detail."""
        yield TopBar("Runs", self._path.stem)
        yield Static(id="about", markup=False)
        with Horizontal(id="timeline"):
            yield VirtualList[Row](_row)
            with VerticalScroll(id="detail"):
                yield Static(markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Load without keeping anyone waiting."""
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        about = self.query_one("#about", Static)
        about.update("reading …")
        try:
            trace, rows = await in_thread(self._read)
        except TraceError as error:
            about.update(Content.styled(one_line(f"✘ {error}", 600), "$error"))
            return
        about.update(_about(trace))
        self.query_one(TopBar).set_right(trace.header.backend.name)
        self.query_one(VirtualList[Row]).set_items(rows, keep_cursor=True)

    def _read(self) -> tuple[Trace, Sequence[Row]]:
        trace = Trace.load(self._path)
        return trace, list(rows_of(trace.records))

    @on(VirtualList.Marked)
    def _show(self, event: VirtualList.Marked) -> None:
        row = self.query_one(VirtualList[Row]).current
        if row is not None:
            self.query_one("#detail Static", Static).update(detail_of(row))
            self.query_one("#detail").scroll_home(animate=False)

    @on(VirtualList.Chosen)
    def _to_detail(self, event: VirtualList.Chosen) -> None:
        self.query_one("#detail").focus()

    def action_reload(self) -> None:
        """Read again."""
        self._load()

    def action_back(self) -> None:
        """Back to where one came from."""
        self.dismiss()


def _about(trace: Trace) -> Content:
    header = trace.header
    when = datetime.fromtimestamp(header.created).strftime("%Y-%m-%d %H:%M:%S")
    parts = [when, *(f"{k} {v}" for k, v in header.labels.items()), header.backend.model]
    parts += [f"tools: {', '.join(tool.name for tool in header.tools)}"] if header.tools else []
    parts += [f"{len(trace.records):,} records"]
    line = Content.styled(one_line("  ·  ".join(parts), 400), "$quiet")
    if trace.torn:
        line = Content.assemble(line, (f"  ·  {trace.torn} bytes can't be read", "$warning"))
    return line


def _row(row: Row, width: int) -> Content:
    took = f"+{row.took:.2f}" if row.took is not None and row.took >= 0.05 else ""
    room = max(1, width - 21)
    return Content.assemble(
        (f"{row.at:8.2f}s ", "$quiet"),
        (f"{row.mark} ", f"bold {row.style}"),
        (one_line(row.text, room).ljust(room), "$foreground"),
        (f"{took:>8}", "$quiet"),
    )
