"""What the command palette offers, what can be done here before what is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

from textual.app import App, SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider

from agentlab_tui.catalog import LabEntry
from agentlab_tui.navigation import OpenLab
from agentlab_tui.screens.roadmap import RoadmapScreen


class Commands(Provider):
    """What the screen's keys do, the places there are, and any lab by its name.

    One provider, as those that Textual asks side by side come in any order.
    """

    async def discover(self) -> Hits:
        """All of it, before anything was typed."""
        for command in self._here():
            yield DiscoveryHit(command.title, command.callback, help=command.help)
        for entry in self._entries():
            yield DiscoveryHit(_name(entry), partial(self._open, entry), help=entry.title)

    async def search(self, query: str) -> Hits:
        """What has a name that fits."""
        matcher = self.matcher(query)
        for command in self._here():
            if (score := matcher.match(command.title)) > 0:
                title = matcher.highlight(command.title)
                yield Hit(score, title, command.callback, help=command.help)
        for entry in self._entries():
            score = matcher.match(f"{_name(entry)} {entry.title}")
            if score > 0:
                yield Hit(score, _name(entry), partial(self._open, entry), help=entry.title)

    def _here(self) -> Iterator[SystemCommand]:
        yield from self._app.get_system_commands(self.screen)  # pyright: ignore[reportUnknownMemberType]

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
