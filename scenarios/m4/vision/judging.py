"""The checks: what arrived over the wire, what was seen, and what an agent was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]

DRAWINGS = 0.65
"""Of new drawings of known things, five names each; what works came to 0.73 to 0.83."""
CHOSEN = 0.65
"""Of new drawings, as above; the likeliest name alone came to 0.39 to 0.50."""
TOLD = 0.68
"""Of what is told, with one name or two; by the likeliest names it was 0.53."""
ENDS = 12
"""Of the pictures told of, those where the two best are nearest to each other, and farthest."""
MOST_SURE, LEAST_SURE = 9, 7


def unsent(check: str) -> Complaint:
    """A complaint about what a server made of the messages."""

    def complaint(found: Found, _: Any) -> str | None:
        wrong = found["wrong"]
        if check not in wrong and check != "accepted" and "accepted" in wrong:
            return "first every message must be accepted"
        return wrong.get(check)

    return complaint


def too_few(what: str, needed: float, says: str) -> Complaint:
    """A complaint that too few are right."""

    def complaint(found: Found, _: Any) -> str | None:
        share = found[what]
        return None if share >= needed else f"{says}: {share:.1%} are right, {needed:.0%} needed"

    return complaint


def unnamed(found: Found, _: Any) -> str | None:
    """What is right must be among the one or two names told."""
    for one in found["told"]:
        if not 1 <= len(one["heard"]) <= 2:
            return f"a text must have one name in it, or two: {one['told']!r:.70}"
    share = sum(one["right"] in one["heard"] for one in found["told"]) / len(found["told"])
    return None if share >= TOLD else f"{share:.1%} have the right name, {TOLD:.0%} needed"


def unsure(found: Found, _: Any) -> str | None:
    """Where two names are near each other both must be told, where they are far apart one."""
    ranked = sorted(found["told"], key=lambda one: one["far"])
    both = sum(len(one["heard"]) == 2 for one in ranked[:ENDS])
    alone = sum(len(one["heard"]) == 1 for one in ranked[-ENDS:])
    if both < LEAST_SURE:
        return f"of the {ENDS} closest calls {both} were told with two names"
    if alone < MOST_SURE:
        return f"of the {ENDS} clearest pictures {alone} were told with one name"
    return None


def misled(found: Found, _: Any) -> str | None:
    """The agent must look at the picture it was asked about, and say what it was told."""
    for one in found["agent"]:
        if one["number"] not in one["looked"]:
            return f"{one['asked']!r}: it looked at {one['looked'] or 'nothing'}"
    said: Sequence[Found] = [
        one for one in found["agent"] if set(one["heard"]) & _names(one, found)
    ]
    short = len(found["agent"]) - len(said)
    if short > 1:
        lost = next(one for one in found["agent"] if one not in said)
        return f"{short} answers lost what was told, as {lost['told']!r:.60}: {lost['said']!r:.60}"
    return None


def _names(one: Found, found: Found) -> set[str]:
    """The names that were told of the picture that it was asked about."""
    return set(found["told"][one["number"] - 1]["heard"])
