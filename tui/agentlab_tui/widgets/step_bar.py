"""Where one is in a lab: a mark for every step, and the name of this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from agentlab.display import one_line
from agentlab_tui.widgets.marks import MARKS

if TYPE_CHECKING:
    from agentlab.labs.values import Step
    from agentlab_tui.lab_progress import LabProgress


class StepMark(Static):
    """A step's mark; a click goes to the step."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def on_click(self, event: Click) -> None:
        """Go there."""
        event.stop()
        self.post_message(StepBar.Wanted(self.index))


class StepBar(Horizontal):
    """The steps of a lab in one line."""

    class Wanted(Message):
        """Go to this step."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self._steps = steps

    def compose(self) -> ComposeResult:
        """Marks, then the name."""
        for index in range(len(self._steps)):
            yield StepMark(index)
        yield Static(id="step-name")

    def show(self, here: int, progress: LabProgress) -> None:
        """Mark the steps, and name the one that is shown."""
        for mark, step in zip(self.query(StepMark), self._steps, strict=True):
            sign, style = MARKS[progress.mark(step.id)]
            mark.update(Content.styled(f" {sign} ", style))
            mark.set_class(mark.index == here, "-here")
            mark.tooltip = Content(one_line(step.title))
        step = self._steps[here]
        name = Content.assemble(
            (f" Step {here + 1} of {len(self._steps)}", "$quiet"),
            ("  ", ""),
            (one_line(step.title), "bold"),
        )
        self.query_one("#step-name", Static).update(name)
