"""The checks: what maps hold, how nets move, and what is read and found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]

CLOSE = 1e-6
RIGHT = 0.85
"""Of fresh digits, in the middle and moved; what works came to 0.88 and more."""
FOUND = 0.7
"""Of scenes, the digit and its place; what works came to 0.78 and more, noise to 0.6."""

SAID = 3
"""Of six scenes that are not busy, told right by the agent; what works came to 4, 5 and 6."""


def misfit(made: str, how: str) -> Callable[[Found, Found], str | None]:
    """A complaint of maps that have another shape or other numbers."""

    def complaint(found: Found, expect: Found) -> str | None:
        import numpy as np

        for one, other, named in zip(found[made], expect[made], expect[how], strict=True):
            try:
                given, wanted = np.array(one, dtype=float), np.array(other)
            except ValueError:
                return f"{named}: it returned no array of one shape"
            if given.shape != wanted.shape:
                return f"{named}: the shape is {given.shape}, not {wanted.shape}"
            bad = np.argwhere(~(np.abs(given - wanted) <= CLOSE * (1 + np.abs(wanted))))
            if len(bad):
                at = tuple(bad[0].tolist())
                return f"{named}: at {list(at)} is {given[at]:.5g}, not {wanted[at]:.5g}"
        return None

    return complaint


def misjudged(which: Callable[[Any], bool]) -> Callable[[Found, Sequence[Any]], str | None]:
    """A complaint of nets for which something else was measured, of those with such an answer."""

    def complaint(found: Found, expect: Sequence[Any]) -> str | None:
        for said, (made, right) in zip(found["moves"], expect, strict=True):
            wanted: list[int] | None = None if right is None else list(right)
            if which(wanted) and said != wanted:
                return f"{made}: it says {_shown(said)}, and {_shown(wanted)} is so"
        return None

    return complaint


def _shown(said: Sequence[int] | None) -> str:
    return "None" if said is None else f"({', '.join(map(str, said))})"


def misread(kind: str) -> Callable[[Found, Any], str | None]:
    """A complaint of too few digits that were read, of one kind of shift."""

    def complaint(found: Found, _: Any) -> str | None:
        share = found["right"][kind]
        return None if share >= RIGHT else f"{share:.1%} of those {kind} are right"

    return complaint


def unfound(found: Found, _: Any) -> str | None:
    """Too few digits are found."""
    if found["found"] >= FOUND:
        return None
    return (
        f"{found['near']:.0%} of the places are found, {found['found']:.0%} with the right digit; "
        f"{FOUND:.0%} needed"
    )


def misled(found: Found, _: Any) -> str | None:
    """The agent says something else than what is there, and not in a few scenes only."""
    if not found["agent"]:
        return "it finds too few, so the agent was not asked"
    wrong = [one for one in found["agent"] if not one["right"]]
    good = len(found["agent"]) - len(wrong)
    if good >= SAID:
        return None
    first = wrong[0]
    return (
        f"{good} of {len(found['agent'])} told right, {SAID} needed; "
        f"{first['asked']!r}, {first['there']}: the agent says {first['said'][:60]!r}"
    )
