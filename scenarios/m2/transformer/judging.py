"""The checks: what reaches what in a net, what it translates, what was seen of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

RIGHT = 0.9
"""Of fresh dates, written out as a whole."""
ANSWERED = 2
"""Of the agent's three questions."""

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]


def unlike(name: str) -> Complaint:
    """What a net looks at is not what it should look at."""

    def complaint(found: Found, _: Any) -> str | None:
        return found.get(name)

    return complaint


def untranslated(found: Found, _: Any) -> str | None:
    """Too few dates are right; not tried where something was wrong before."""
    if "right" not in found:
        return "it was not trained: first mend what it looks at"
    right, of = found["right"], found["of"]
    if right >= RIGHT * of:
        return None
    return f"{right} of {of} fresh dates are right, {RIGHT:.0%} needed; e.g. {found['e.g.']}"


def _leaks(reach: Sequence[Sequence[int]]) -> bool:
    return any(row[j] for i, row in enumerate(reach) for j in range(i + 1, len(row)))


def _pairs(found: Found, expect: Any) -> list[tuple[str, Any, Any]]:
    return [
        (one["name"], other["said"], one["reach"])
        for one, other in zip(expect, found["nets"], strict=True)
    ]


def overlooked(found: Found, expect: Any) -> str | None:
    """A net leaks, and is taken for one that does not."""
    for name, said, wanted in _pairs(found, expect):
        if _leaks(wanted) and not _leaks(said):
            return f"{name}: it leaks, and nothing was seen of it"
    return None


def accused(found: Found, expect: Any) -> str | None:
    """A net does not leak, and is taken for one that does."""
    for name, said, wanted in _pairs(found, expect):
        if _leaks(said) and not _leaks(wanted):
            return f"{name}: it does not leak, and is said to"
    return None


def misplaced(found: Found, expect: Any) -> str | None:
    """Who sees whom is told otherwise than it is."""
    for name, said, wanted in _pairs(found, expect):
        for i, (mine, theirs) in enumerate(zip(said, wanted, strict=True)):
            for j, (one, other) in enumerate(zip(mine, theirs, strict=True)):
                if one != other:
                    sees = "sees" if other else "does not see"
                    return f"{name}: place {i} {sees} place {j}, and you say otherwise"
    return None


def changed(found: Found, _: Any) -> str | None:
    """A net is not what it was."""
    count = sum(not one["kept"] for one in found["nets"])
    return f"{count} nets are not as they were: weights, dropout or mode" if count else None


def made_up(found: Found, _: Any) -> str | None:
    """What it can't read it translates all the same."""
    for text, said in found["unread"]:
        if said is not None:
            return f"{text!r} became {said!r}, and it never saw such a word: raise a ValueError"
    return None


def unserved(found: Found, _: Any) -> str | None:
    """The agent was not told what it asked for."""
    if "calls" not in found:
        return "the agent was not asked: first mend the tool"
    right = sum(one["right"] for one in found["calls"])
    if right >= ANSWERED:
        return None
    bad = next(one for one in found["calls"] if not one["right"])
    return f"asked for {bad['date']!r}, it called with {bad['passed']!r} and got {bad['got']!r}"
