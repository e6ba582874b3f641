"""Two runs side by side, aligned step by step."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from agentlab.display import one_line
from agentlab.errors import TraceError
from agentlab.events import StoredEvent, UnknownEvent
from agentlab.replay.difference import Diff, Row, diff
from agentlab.tooling.threads import in_thread
from agentlab.trace import Record, Trace
from agentlab_tui.detail import detail_of
from agentlab_tui.fold import rows_of
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.top_bar import TopBar
from agentlab_tui.widgets.virtual_list import VirtualList

_SIGNS = {
    "same": ("=", "$quiet"),
    "changed": ("≠", "$warning"),
    "only_a": ("-", "$error"),
    "only_b": ("+", "$success"),
}


class DiffScreen(Screen[None]):
    """What two runs share, and where they part."""

    HELP: ClassVar[str | None] = (
        "The first run at the left, the second at the right. = the same, ≠ another content, "
        "- only in the first, + only in the second. ] and [ jump from difference to difference."
    )
    CSS_PATH = "../styles/diff.tcss"
    AUTO_FOCUS = "VirtualList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back"),
        Binding(
            "right_square_bracket,n",
            "jump(1)",
            "Next difference",
            key_display="]",
            tooltip="To the next difference",
        ),
        Binding(
            "left_square_bracket,p",
            "jump(-1)",
            "Last difference",
            key_display="[",
            show=False,
            tooltip="To the difference before",
        ),
    ]

    def __init__(self, a: Path, b: Path) -> None:
        super().__init__()
        self._paths = (a, b)
        self._traces: tuple[Trace, Trace] | None = None

    def compose(self) -> ComposeResult:
        """What differs as a whole, the rows, and both sides of the one that is marked."""
        yield TopBar("Runs", "Diff")
        yield Static(id="sum", markup=False)
        yield VirtualList[Row](_row)
        with Horizontal(id="sides"):
            for side in ("a", "b"):
                with VerticalScroll(id=f"side-{side}"):
                    yield Static(markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Load without keeping anyone waiting."""
        for side, path in zip("ab", self._paths, strict=True):
            self.query_one(f"#side-{side}").border_title = Content(f" {one_line(path.stem)} ")
        self._load()

    @work(exclusive=True)
    async def _load(self) -> None:
        line = self.query_one("#sum", Static)
        line.update("comparing …")
        try:
            self._traces, difference = await in_thread(self._compare)
        except TraceError as error:
            line.update(Content.styled(one_line(f"✘ {error}", 600), "$error"))
            return
        line.update(_sum_up(difference))
        self.query_one(VirtualList[Row]).set_items(difference.rows)
        if not difference.same and difference.rows and difference.rows[0].sameness == "same":
            self.action_jump(1)

    def _compare(self) -> tuple[tuple[Trace, Trace], Diff]:
        a, b = (Trace.load(path) for path in self._paths)
        return (a, b), diff(a, b)

    @on(VirtualList.Marked)
    def _show(self, event: VirtualList.Marked) -> None:
        row = self.query_one(VirtualList[Row]).current
        if row is None or self._traces is None:
            return
        for side, trace, seq in zip("ab", self._traces, (row.seq_a, row.seq_b), strict=True):
            text = _detail(trace, seq)
            self.query_one(f"#side-{side} Static", Static).update(text)

    def action_jump(self, by: int) -> None:
        """To another difference."""
        rows = self.query_one(VirtualList[Row])
        place = rows.cursor + by
        while 0 <= place < len(rows.items):
            if rows.items[place].sameness != "same":
                rows.cursor = place
                return
            place += by

    def action_back(self) -> None:
        """Back to where one came from."""
        self.dismiss()


def _detail(trace: Trace, seq: int | None) -> Content:
    record = next((r for r in trace.records if r.seq == seq), None) if seq is not None else None
    if record is None:
        return Content.styled("not in this run", "$quiet")
    details = [detail_of(row) for row in rows_of((record,))]
    return Content("\n").join(details)


def _sum_up(difference: Diff) -> Content:
    counts = [row.sameness for row in difference.rows]
    if difference.same:
        line = Content.styled("the same events, in the same places", "bold $success")
    else:
        line = Content.assemble(
            (f"{counts.count('same')} the same", "$quiet"),
            (f"  ≠ {counts.count('changed')} changed", "$warning"),
            (f"  - {counts.count('only_a')} only in the first", "$error"),
            (f"  + {counts.count('only_b')} only in the second", "$success"),
        )
    heads = [Content.styled(one_line(head, 200), "$secondary") for head in difference.header[:3]]
    return Content("\n").join([line, *heads])


def _row(row: Row, width: int) -> Content:
    sign, style = _SIGNS[row.sameness]
    half = max(1, (width - 7) // 2)
    left, right = _text(row.seq_a, row.a, half), _text(row.seq_b, row.b, half)
    plain = "$quiet" if row.sameness == "same" else ""
    return Content.assemble(
        (f"{row.step:>3} ", "$quiet"), (left, plain), (f" {sign} ", f"bold {style}"), (right, plain)
    )


def _text(seq: int | None, event: StoredEvent | UnknownEvent | None, width: int) -> str:
    if seq is None or event is None:
        return " " * width
    row = next(rows_of((Record(seq=seq, at=0, event=event),)), None)
    text = f"{row.mark} {row.text}" if row else event.kind
    return one_line(text, width).ljust(width)
