"""The checks: losses and distances, what generators were found to be, and what one draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .cases import PAIRS, SCORES
from .played import WRITTEN, lacking

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]

CLOSE = 1e-6
NEAR = 2e-3
"""Of what the parts of a distance add up to."""
_LOTS = tuple(SCORES)
_FAR = (3, 4)
"""Lots whose scores are too large for exp."""


def unlike(player: str) -> Complaint:
    """A complaint of a player's loss or slopes, on scores of a usual size."""
    lots = [n for n in range(len(_LOTS)) if n not in _FAR]
    return lambda found, expect: _differs(found, expect, player, lots)


def overflown(found: Found, expect: Any) -> str | None:
    """On very large scores, a loss or a slope is something else."""
    return next(
        filter(
            None, (_differs(found, expect, who, _FAR) for who in ("discriminator", "generator"))
        ),
        None,
    )


def _differs(found: Found, expect: Any, player: str, lots: Sequence[int]) -> str | None:
    import numpy as np

    for lot in lots:
        said, wanted = found["tried"][lot][player], expect[lot][player]
        if len(said) != len(wanted):
            return f"{player} returned {len(said)} things, not {len(wanted)}"
        for number, (one, right) in enumerate(zip(said, wanted, strict=True)):
            what = "the slope" if number else "the loss"
            given, due = np.array(one, dtype=float), np.array(right)
            if given.shape != due.shape:
                return f"{_LOTS[lot]}: {what} of the {player} has the shape {given.shape}"
            bad = np.flatnonzero(~(np.abs(given - due) <= CLOSE * (1 + np.abs(due))))
            if len(bad):
                at = bad[0]
                return (
                    f"{_LOTS[lot]}: {what} of the {player} is {given.flat[at]:.4g}, "
                    f"not {due.flat[at]:.4g}"
                )
    return None


def misplaced(*which: int) -> Complaint:
    """A complaint of pairs of sets whose distance is another."""

    def complaint(found: Found, expect: Any) -> str | None:
        if "pairs" not in found:
            return None
        for number in which:
            said, (name, *far, scale) = found["pairs"][number], expect[number]
            if isinstance(said, str):
                return f"{name}: {said}"
            if not any(abs(said - right) <= NEAR * scale for right in far):
                return f"{name}: it says {said:.5g}, and it is {far[1]:.5g}"
        return None

    return complaint


def misseen(found: Found, _: Any) -> str | None:
    """Sets of digits, as the judge sees them, are put at another distance."""
    for one in found.get("digits", ()):
        said, far = one["said"], one["far"]
        if isinstance(said, str):
            return f"{one['name']}: {said}"
        if not any(abs(said - right) <= NEAR * one["scale"] for right in far):
            return f"{one['name']}: it says {said:.5g}, and it is {far[1]:.5g}"
    return None


MOVED, SPREAD, THIN = (0, 6), (1, 2, 7), (3, 4, 5)
"""Which of the pairs each check is about."""
assert sorted(MOVED + SPREAD + THIN) == list(range(len(PAIRS)))


def misdiagnosed(state: str) -> Complaint:
    """A complaint of generators in that state of which something else was said."""

    def complaint(found: Found, _: Any) -> str | None:
        for one in found["sets"]:
            if one["state"] == state and one["said"] != state:
                return f"{one['name']}: you say {one['said'][:40]!r}"
        return None

    return complaint


def short(name: str) -> Complaint:
    """A complaint of what a generator draws, by one measure."""
    return lambda found, _: lacking(name, found)


def unwritten(found: Found, _: Any) -> str | None:
    """Too little of what the agent was asked to write can be read."""
    if "agent" not in found:
        return "the agent was not asked: first mend the generator"
    right = sum(one["right"] for one in found["agent"])
    if right >= WRITTEN:
        return None
    one = min(found["agent"], key=lambda one: one["right"])
    return (
        f"{right} digits of 9 are right, {WRITTEN} needed; asked for {one['number']}, the agent "
        f"had {one['called'] or 'nothing'} written, and the judge reads {one['read']}"
    )
