"""Which pane of a lab is in front, on a screen too narrow for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Horizontal
from textual.events import Click
from textual.message import Message
from textual.widgets import Static


class PaneTab(Static):
    """The name of a pane; a click brings it to the front."""

    def __init__(self, key: str, name: str) -> None:
        super().__init__(f" {key} {name.capitalize()} ", markup=False)
        self.pane = name

    def on_click(self, event: Click) -> None:
        """Bring it to the front."""
        event.stop()
        self.post_message(PaneTabs.Wanted(self.pane))


class PaneTabs(Horizontal):
    """The panes there are, by number."""

    class Wanted(Message):
        """Bring this pane to the front."""

        def __init__(self, pane: str) -> None:
            self.pane = pane
            super().__init__()

    async def set_panes(self, panes: Sequence[str], *, first: int = 1, key: str = "") -> None:
        """Offer other panes, by keys that count up from the first one, e.g. `F2`."""
        await self.remove_children()
        await self.mount(*(PaneTab(f"{key}{n}", pane) for n, pane in enumerate(panes, first)))

    def front(self, pane: str) -> None:
        """Mark the one in front."""
        for tab in self.query(PaneTab):
            tab.set_class(tab.pane == pane, "-front")
