"""Modules with their labs below them, drawn to the width there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agentlab.display import one_line
from agentlab_tui.catalog import LabEntry
from agentlab_tui.modules import MODULES, OTHERS, Module
from agentlab_tui.progress import LabProgress, Mark, ProgressStore
from agentlab_tui.widgets.step_bar import MARKS

_BAR = 5
_HIGH = 28
"""Lines from which modules also say what they are about."""


class RoadmapList(OptionList):
    """The roadmap as a list; only labs can be chosen."""

    def __init__(self, progress: ProgressStore) -> None:
        super().__init__(markup=False)
        self._progress = progress
        self._entries: Sequence[LabEntry] = ()
        self._searching = False
        self._moved = False
        self._drawn_at = Size(0, 0)

    @property
    def current(self) -> LabEntry | None:
        """The lab under the cursor."""
        option = self.highlighted_option
        return next((e for e in self._entries if option and e.id == option.id), None)

    def show(self, entries: Sequence[LabEntry], *, searching: bool = False) -> None:
        """List these labs; the cursor stays on its lab where it can."""
        self._entries, self._searching = entries, searching
        self._fill()

    def on_key(self) -> None:
        """From the first key on the cursor is the learner's: labs that come in don't move it."""
        self._moved = True

    def on_resize(self, event: events.Resize) -> None:
        """Draw again where the size has changed."""
        if self.size != self._drawn_at:
            self._fill()

    def _fill(self) -> None:
        here = self.current if self._moved else None
        self._drawn_at = self.size
        width = max(20, self.scrollable_content_region.width - 2)
        options: list[Option] = []
        for module in (*MODULES, OTHERS):
            labs = [entry for entry in self._entries if entry.module is module]
            if labs or not (self._searching or module is OTHERS):
                options += self._module(module, labs, width)
        if not options:
            options.append(Option(Content.styled("\n  no lab matches", "$quiet"), disabled=True))
        self.set_options(options)
        ids = [option.id for option in options]
        if here and here.id in ids:
            self.highlighted = ids.index(here.id)
        else:
            self.highlighted = next((i for i, o in enumerate(options) if not o.disabled), None)

    def _module(self, module: Module, labs: Sequence[LabEntry], width: int) -> list[Option]:
        marks: dict[str, Mark] = {
            entry.id: lab_mark(entry, self._progress.lab(entry.id)) for entry in labs
        }
        passed = sum(mark == "passed" for mark in marks.values())
        count = f" {passed} of {len(labs)} passed" if labs else " no labs yet"
        number = f"{module.id[1:]}  " if module.id else "·  "
        title = Content.assemble((number, "bold $accent"), (module.title + " ", "bold"))
        rule = max(1, width - title.cell_length - len(count))
        head = Content.assemble("\n", title, ("─" * rule, "$line"), (count, "$quiet"))
        if self.size.height >= _HIGH:
            head = Content.assemble(head, (f"\n   {one_line(module.about, width - 3)}", "$quiet"))
        options = [Option(head, disabled=True)]
        for entry in labs:
            prompt = self._lab(entry, marks[entry.id], width)
            options.append(Option(prompt, id=entry.id))
        return options

    def _lab(self, entry: LabEntry, mark: Mark, width: int) -> Content:
        sign, style = MARKS[mark]
        if entry.lab is None:
            problem = one_line(f"{entry.id}  {entry.problem}", max(4, width - 6))
            return Content.assemble(("   ✘ ", "bold $error"), (problem, "$error"))
        scenario = entry.lab.scenario
        done = self._progress.lab(entry.id).passed
        share = sum(step.id in done for step in scenario.steps) / max(1, len(scenario.steps))
        full = round(share * _BAR)
        right = Content.assemble(
            (f"{entry.id}  ", "$quiet"),
            ("━" * full, "$success"),
            ("─" * (_BAR - full), "$quiet"),
            (f"{scenario.minutes:>4} min", "$quiet"),
        )
        if width < 56:
            right = Content.styled(f"{scenario.minutes} min", "$quiet")
        room = max(4, width - right.cell_length - 7)
        left = Content.assemble((f"   {sign} ", f"bold {style}"), one_line(scenario.title, room))
        gap = max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)


def lab_mark(entry: LabEntry, progress: LabProgress) -> Mark:
    """How a whole lab stands."""
    if entry.lab is None:
        return "open"
    if all(step.id in progress.passed for step in entry.lab.scenario.steps):
        return "passed"
    return "seen" if progress.passed or progress.seen else "open"
