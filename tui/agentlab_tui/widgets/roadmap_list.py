"""Modules with their labs below them, drawn to the width there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from agentlab.display import one_line
from agentlab.labs.course import OTHERS, Module, course
from agentlab_tui.catalog import LabEntry
from agentlab_tui.widgets.marks import MARKS

if TYPE_CHECKING:
    from agentlab_tui.standing import Standing

_BAR = 5
_HIGH = 34
"""Lines from which modules also say what they are about, as long as all fits."""


class RoadmapList(OptionList):
    """The roadmap as a list; only labs can be chosen."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._entries: Sequence[LabEntry] = ()
        self._standings: Mapping[str, Standing] = {}
        self._searching = False
        self._moved = False
        self._drawn_at = Size(0, 0)

    @property
    def current(self) -> LabEntry | None:
        """The lab under the cursor."""
        option = self.highlighted_option
        return next((e for e in self._entries if option and e.id == option.id), None)

    def show(
        self,
        entries: Sequence[LabEntry],
        standings: Mapping[str, Standing],
        *,
        searching: bool = False,
    ) -> None:
        """List these labs; the cursor stays on its lab where it can."""
        self._entries, self._standings, self._searching = entries, standings, searching
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
        for module in (*course().modules, OTHERS):
            labs = [entry for entry in self._entries if entry.module is module]
            if labs or not (self._searching or module is OTHERS):
                options += self._module(module, labs, width)
        if not options:
            options.append(Option(Content.styled("\n  no lab matches", "$quiet"), disabled=True))
        self.set_options(options)
        ids = [option.id for option in options]
        following = next((id for id, s in self._standings.items() if s.is_next), None)
        goal = here.id if here else following
        if goal is not None and goal in ids:
            self.highlighted = ids.index(goal)
        else:
            self.highlighted = next((i for i, o in enumerate(options) if not o.disabled), None)

    def _module(self, module: Module, labs: Sequence[LabEntry], width: int) -> list[Option]:
        passed = sum(self._standings[entry.id].mark == "passed" for entry in labs)
        count = f" {passed} of {len(labs)} passed" if labs else " no labs yet"
        number = f"{module.id[1:]}  " if module.id else "·  "
        title = Content.assemble((number, "bold $accent"), (module.title + " ", "bold"))
        rule = max(1, width - title.cell_length - len(count))
        style = "$success" if labs and passed == len(labs) else "$quiet"
        head = Content.assemble("\n", title, ("─" * rule, "$line"), (count, style))
        high = self.size.height >= _HIGH + len(self._entries) - 14
        if self.size.height >= 28 and high:
            head = Content.assemble(head, (f"\n   {one_line(module.about, width - 3)}", "$quiet"))
        options = [Option(head, disabled=True)]
        for entry in labs:
            options.append(Option(self._lab(entry, self._standings[entry.id], width), id=entry.id))
        return options

    def _lab(self, entry: LabEntry, standing: Standing, width: int) -> Content:
        if entry.lab is None:
            problem = one_line(f"{entry.id}  {entry.problem}", max(4, width - 6))
            return Content.assemble(("   ✘ ", "bold $error"), (problem, "$error"))
        sign, style = MARKS[standing.mark]
        lab = entry.lab
        tag = ""
        if standing.is_next:
            tag = "go on  " if standing.mark == "seen" else "next  "
        elif standing.waits_for and standing.mark == "open":
            tag = f"after {standing.waits_for[-1]}  " if width >= 84 else ""
        full = round(standing.done / max(1, standing.of) * _BAR)
        right = Content.assemble(
            (tag, "bold $accent" if standing.is_next else "$quiet"),
            (f"{entry.id}  ", "$quiet"),
            ("━" * full, "$success"),
            ("─" * (_BAR - full), "$line"),
            (f"{lab.minutes:>4} min", "$quiet"),
        )
        if width < 56:
            right = Content.styled(f"{lab.minutes} min", "$quiet")
        room = max(4, width - right.cell_length - 7)
        quiet = "$quiet" if standing.waits_for and standing.mark == "open" else ""
        left = Content.assemble(
            (f"   {sign} ", f"bold {style}"), (one_line(lab.title, room), quiet)
        )
        gap = max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)
