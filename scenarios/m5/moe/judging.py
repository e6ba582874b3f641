"""The checks: which experts were asked, what was counted, and what a net came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import held

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]

CLOSE = 1e-6


def wrong(name: str) -> Complaint:
    """A complaint that the tool found already: by check, the reason or nothing."""
    return lambda found, _: found[name]


def short(name: str) -> Complaint:
    """A complaint of what a net came to; the case that trains none has nothing to say."""
    return lambda found, _: held.short(name, found) if "loss" in found else None


def unlike(found: Found, _: Any) -> str | None:
    """A layer that computes something else."""
    return found.get("layer")


def miscounted(which: int) -> Complaint:
    """A complaint of one of the three counts."""

    def complaint(found: Found, _: Any) -> str | None:
        for one in found["counted"]:
            said, due = one["said"][which], one["due"][which]
            if not abs(said - due) <= CLOSE * due:
                return f"{one['name']}: you say {said:,.0f}, and it is {due:,.0f}"
        return None

    return complaint


def misled(found: Found, _: Any) -> str | None:
    """The agent names too small a machine, or too large a one."""
    if "agent" not in found:
        return "the agent was not asked: first mend the count"
    for one in found["agent"]:
        if one["named"] != one["due"]:
            return f"{one['asked']} It says {one['said'][:60]!r}, and it takes {one['due']} GB"
    return None
