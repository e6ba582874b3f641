"""Where an answer ends by the stop sequences that were asked for, told by its own text.

Services end an answer before such a text themselves. Some pass over the setting, or end after it
and leave it in: then it is looked for here, so that it holds whatever the service does.
"""

from __future__ import annotations

from collections.abc import Sequence


class StopText:
    """Hands on text as it comes, up to the first of `stops`, wherever it is cut."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """What of the text is sure to stand before a stop."""
        if self.found:
            return ""
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            ready, self._held, self.found = self._held[: min(places)], "", True
            return ready
        keep = max((_overhang(self._held, stop) for stop in self._stops), default=0)
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(ready) :]
        return ready

    def finish(self) -> str:
        """What was held back in case it went on to be a stop."""
        held, self._held = self._held, ""
        return held


def _overhang(text: str, stop: str) -> int:
    """How many letters at the end of the text begin `stop`, but are not all of it."""
    sizes = range(min(len(text), len(stop) - 1), 0, -1)
    return next((size for size in sizes if text.endswith(stop[:size])), 0)
