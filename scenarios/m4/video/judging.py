"""The checks: what was said of clips, and what came of noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import scenes
from .story import TOLD

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]


def misjudged(state: str) -> Complaint:
    """A complaint of clips in that state of which something else was said."""

    def complaint(found: Found, _: Any) -> str | None:
        for one in found["clips"]:
            if one["state"] == state and one["said"] != state:
                asked = f"asked for {one['digit']}, {one['motion']}"
                return f"{one['name']} ({asked}): you say {one['said'][:60]!r}"
        return None

    return complaint


def undrawn(*names: str) -> Complaint:
    """A complaint of films that are not what the net makes of the noise by their plan."""

    def complaint(found: Found, _: Any) -> str | None:
        for one in found["films"]:
            if one["name"] in names and one["wrong"] is not None:
                return f"{one['name']}: {one['wrong']}"
        return None

    return complaint


def short(name: str) -> Complaint:
    """A complaint of films that are not good enough, by one measure."""
    return lambda found, _: scenes.lacking(name, found)


def untold(found: Found, _: Any) -> str | None:
    """Too few of the stories that the agent was told are what its films show."""
    if "stories" not in found:
        return "the agent was not asked: first mend the plan"
    wrong = [one for one in found["stories"] if one["wrong"] is not None]
    if len(found["stories"]) - len(wrong) >= TOLD:
        return None
    return f"{wrong[0]['told']} The agent calls {wrong[0]['calls']}: {wrong[0]['wrong']}"
