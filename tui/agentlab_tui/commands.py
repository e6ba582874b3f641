"""What the command palette offers beyond Textual's own commands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider

from agentlab_tui.catalog import LabEntry
from agentlab_tui.navigation import OpenLab
from agentlab_tui.screens.roadmap import RoadmapScreen


class LabCommands(Provider):
    """Go to any lab by name."""

    async def discover(self) -> Hits:
        """All labs, before anything was typed."""
        for entry in self._entries():
            yield DiscoveryHit(_name(entry), partial(self._open, entry), help=entry.title)

    async def search(self, query: str) -> Hits:
        """The labs whose name fits."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = matcher.match(f"{_name(entry)} {entry.title}")
            if score > 0:
                yield Hit(score, _name(entry), partial(self._open, entry), help=entry.title)

    def _entries(self) -> Iterator[LabEntry]:
        for screen in self._app.screen_stack:
            if isinstance(screen, RoadmapScreen):
                yield from screen.entries

    def _open(self, entry: LabEntry) -> None:
        self._app.post_message(OpenLab(entry))

    @property
    def _app(self) -> App[None]:
        return cast("App[None]", self.app)  # pyright: ignore[reportUnknownMemberType]


def _name(entry: LabEntry) -> str:
    return f"Open lab {entry.id}"
