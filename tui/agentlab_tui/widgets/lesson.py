"""The text of a step, and the hints asked for."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static

from agentlab.display import safe


class Lesson(VerticalScroll, can_focus=True):
    """Markdown to read, then hints from nudge to answer."""

    def __init__(self) -> None:
        super().__init__(id="lesson")
        self._hints: Sequence[str] = ()
        self._given = 0

    def compose(self) -> ComposeResult:
        """The text; hints come below it."""
        yield Markdown(open_links=False)

    async def show(self, text: str, hints: Sequence[str]) -> None:
        """Show a step."""
        self._hints, self._given = hints, 0
        await self.query(".hint").remove()
        await self.query_one(Markdown).update(safe(text))
        self.scroll_home(animate=False)

    @property
    def hints_left(self) -> int:
        """Hints not given yet."""
        return len(self._hints) - self._given

    async def next_hint(self) -> bool:
        """Give one more hint; False when there is none left."""
        if not self.hints_left:
            return False
        text = self._hints[self._given]
        self._given += 1
        hint = Static(Content(safe(text)), classes="hint")
        hint.border_title = Content(f" hint {self._given} of {len(self._hints)} ")
        await self.mount(hint)
        self.call_after_refresh(self.scroll_end, animate=False)
        return True
