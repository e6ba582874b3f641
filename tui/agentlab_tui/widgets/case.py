"""One case of a step: the question, and the agent at work on it, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from agentlab.display import one_line
from agentlab.events import Event
from agentlab.labs.attempt import CaseRun
from agentlab_tui.navigation import OpenTrace
from agentlab_tui.widgets.flow import Flow


class CaseHead(Static, can_focus=True):
    """The question: opens and folds its case."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "fold", "Fold", tooltip="Open or fold this case"),
        Binding("t", "trace", "Trace", tooltip="Open the trace of this case"),
    ]

    class Folded(Message):
        """Open the case if it is folded, else fold it."""

    class TraceWanted(Message):
        """Show this case's trace."""

    def action_fold(self) -> None:
        """By key."""
        self.post_message(self.Folded())

    def action_trace(self) -> None:
        """By key."""
        self.post_message(self.TraceWanted())

    def on_click(self, event: Click) -> None:
        """By mouse."""
        event.stop()
        self.post_message(self.Folded())


class CaseView(Vertical):
    """A case, from its question to its last answer."""

    def __init__(self, number: int, of: int, question: str, trace: Path | None) -> None:
        self._head = CaseHead()
        self.flow = Flow(classes="case-body")
        super().__init__(self._head, self.flow, classes="-running")
        self._number, self._of, self._question = number, of, question
        self.trace = trace
        self._answer = ""
        self._draw_head()

    async def show(self, event: Event) -> None:
        """Take in what happened."""
        await self.flow.show(event)

    def finish(self, run: CaseRun) -> None:
        """The case is over; what it came to goes into its head."""
        self.remove_class("-running")
        self.set_class(run.failure is not None, "-broken")
        self._answer = run.failure or run.output or "no answer"
        self._draw_head()

    def cut_off(self) -> None:
        """The run broke off in this case: nothing in it is at work any more."""
        self.remove_class("-running")
        self.flow.cut_off()

    def fold(self, folded: bool = True) -> None:
        """Show only the question and the answer, or everything."""
        self.set_class(folded, "-folded")
        self._draw_head()

    @on(CaseHead.Folded)
    def _turn(self, event: CaseHead.Folded) -> None:
        event.stop()
        self.fold(not self.has_class("-folded"))

    @on(CaseHead.TraceWanted)
    def _want_trace(self, event: CaseHead.TraceWanted) -> None:
        event.stop()
        if self.trace:
            self.post_message(OpenTrace(self.trace))

    def _draw_head(self) -> None:
        folded = self.has_class("-folded")
        head = Content.assemble(
            ("▸ " if folded else "▾ ", "$quiet"),
            (f"{self._number}/{self._of}  ", "$quiet"),
            (one_line(self._question, 400), ""),
        )
        if folded:
            style = "$error" if self.has_class("-broken") else "$primary"
            answer = (one_line(self._answer, 200), "bold")
            head = Content.assemble(head, ("\n  » ", style), answer)
        self._head.update(head)
        # seen now and then on a busy machine: a second line that was laid out, and not painted
        self.call_after_refresh(self._head.refresh)
