"""The checks of a step: open, then green or red one by one, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from agentlab.display import safe
from agentlab.labs.attempt import Check, Verdict


class CheckRow(Horizontal):
    """One check: its mark, and beside it what must hold and the reason."""

    def __init__(self, check: Check) -> None:
        self._mark = Static(classes="mark")
        self._says = Static(classes="says")
        super().__init__(self._mark, self._says)
        self.check = check
        self.reset()

    def reset(self) -> None:
        """Nothing is known yet."""
        self.set_classes("")
        self._mark.update(Content.styled("○", "$quiet"))
        self._says.update(Content.styled(safe(self.check.says), "$quiet"))

    def show_passed(self) -> None:
        """It held, the last time this step was passed."""
        self.set_classes("-passed")
        self._mark.update(Content.styled("✔", "bold $success"))
        self._says.update(Content(safe(self.check.says)))

    def show(self, verdict: Verdict) -> None:
        """It holds, or not, and why."""
        self.set_classes("-passed" if verdict.passed else "-failed")
        mark, style = ("✔", "$success") if verdict.passed else ("✘", "$error")
        reason = f"\n{safe(verdict.reason)}" if verdict.reason else ""
        self._mark.update(Content.styled(mark, f"bold {style}"))
        self._says.update(Content.assemble(safe(self.check.says), (reason, style)))


class CheckList(VerticalScroll, can_focus=False):
    """All checks of a step, in order."""

    def __init__(self, checks: Sequence[Check] = ()) -> None:
        self._rows = [CheckRow(check) for check in checks]
        super().__init__(*self._rows)

    async def set_checks(self, checks: Sequence[Check], *, passed: bool = False) -> None:
        """Show another step's checks; `passed` says that all of them held before."""
        await self.remove_children()
        self._rows = [CheckRow(check) for check in checks]
        await self.mount(*self._rows)
        if passed:
            for row in self._rows:
                row.show_passed()

    def reset(self) -> None:
        """Before a run: all open."""
        for row in self._rows:
            row.reset()

    def show(self, check: Check, verdict: Verdict) -> None:
        """One check is done."""
        for row in self._rows:
            if row.check.id == check.id:
                row.show(verdict)
                row.scroll_visible(animate=False)
