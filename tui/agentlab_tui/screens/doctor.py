"""What works on this machine, what is missing, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from textwrap import wrap
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from agentlab.display import one_line, safe
from agentlab.places.findings import Finding, findings
from agentlab.tooling.threads import in_thread
from agentlab_tui.services import Services
from agentlab_tui.widgets.footer import KeyFooter
from agentlab_tui.widgets.top_bar import TopBar

_SIGNS = {
    "ok": ("✔", "$success"),
    "note": ("·", "$warning"),
    "missing": ("✘", "$error"),
}

_NARROWEST = 20
"""Columns that a text has to have to stand beside its name."""


class DoctorScreen(Screen[None]):
    """The findings, as they come."""

    HELP: ClassVar[str | None] = (
        "✔ works, · is worth knowing, ✘ is missing and needed for the first lab. Below what is "
        "not well stands what to do about it. Of keys it is said whether they are set and work; "
        "they are never shown."
    )
    CSS_PATH = "../styles/doctor.tcss"
    AUTO_FOCUS = "#findings"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Back"),
        Binding("f5,r", "look", "Look again", key_display="r", tooltip="Look at it all again"),
        Binding("c", "copy", "Copy", tooltip="Copy all of it, e.g. for a bug report"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._found: list[Finding] = []
        self._done = False

    def compose(self) -> ComposeResult:
        """A sum, and a line for each finding."""
        yield TopBar("Doctor")
        yield Static(id="sum", markup=False)
        with VerticalScroll(id="findings"):
            yield Static(markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        """Look."""
        self._look()

    def action_look(self) -> None:
        """Look again."""
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        self._found, self._done = [], False
        self._draw()
        source = findings(self._services.runs)
        while (finding := await in_thread(partial(_next, source))) is not None:
            self._found.append(finding)
            self._draw()
        self._done = True
        self._draw()

    def _draw(self) -> None:
        counts = [finding.state for finding in self._found]
        if not self._done:
            verdict = Content.styled("looking …", "$quiet")
        elif missing := counts.count("missing"):
            verdict = Content.styled(f"{missing} needed and missing", "bold $error")
        else:
            verdict = Content.styled("everything the labs need is here", "bold $success")
        self.query_one("#sum", Static).update(verdict)
        width = max((len(finding.what) for finding in self._found), default=0)
        listed = self.query_one("#findings Static", Static)
        lines = [_lines(finding, width, listed.content_size.width) for finding in self._found]
        listed.update(Content("\n").join(lines))

    def on_resize(self) -> None:
        """What wraps, wraps elsewhere now."""
        self.call_after_refresh(self._draw)

    def action_copy(self) -> None:
        """All findings, to the clipboard."""
        lines = [f"{f.state:<8}{f.what}: {f.found} {f.remedy}".rstrip() for f in self._found]
        self.app.copy_to_clipboard(  # pyright: ignore[reportUnknownMemberType]
            "\n".join(lines)
        )
        self.notify("copied", markup=False, timeout=2)

    def action_back(self) -> None:
        """Back."""
        self.dismiss()


def _next(source: Iterator[Finding]) -> Finding | None:
    return next(source, None)


def _lines(finding: Finding, width: int, room: int) -> Content:
    sign, style = _SIGNS[finding.state]
    name = one_line(finding.what, 40).ljust(width)
    value = _beside(safe(finding.found), width + 4, room)
    line = Content.assemble((f"{sign} ", f"bold {style}"), (f"{name}  ", "bold"), value)
    if not finding.remedy:
        return line
    remedy = _beside(safe(finding.remedy), width + 6, room)
    return Content.assemble(line, (f"\n{' ' * (width + 4)}→ {remedy}", style))


def _beside(text: str, indent: int, room: int) -> str:
    """The text in a column of its own; as it is where no such column fits."""
    if room - indent < _NARROWEST:
        return text
    wrapped = (wrap(line, room - indent) or [""] for line in text.split("\n"))
    return f"\n{' ' * indent}".join(line for lines in wrapped for line in lines)
