"""The checks: how far what came out is from what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLOSE = 1e-3
"""How far off a result may be, of its length: room for 32-bit numbers in any order."""
SLACK = 1.01
"""How much more a pair of halves may be off than the best there are."""
BUDGET = 4_884_480 // 8
SECONDS = 10.0
MOST_SURPRISE = 0.05


def far(found: Mapping[str, Any], _: Any) -> str | None:
    """Not what NumPy has, or of another shape."""
    if "why" in found:
        return str(found["why"])
    wide = found["off"] > CLOSE
    return f"it is off by {found['off']:.1%} of its length" if wide else None


def stretched(found: Mapping[str, Any], _: Any) -> str | None:
    """A turn changed a length."""
    by = found.get("stretched", 0.0)
    return f"a vector's length changed by {by:.1%}" if by > CLOSE else None


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """What was given is not what it was."""
    return f"it changed its {found['changed'][0]}" if found.get("changed") else None


def wasteful(found: Mapping[str, Any], _: Any) -> str | None:
    """Halves further off than the best of their rank."""
    if "why" in found:
        return str(found["why"])
    worse = found["off"] > found["least"] * SLACK + CLOSE
    return f"they are off by {found['off']:.1%}, the best {found['least']:.1%}" if worse else None


def heavy(found: Mapping[str, Any], _: Any) -> str | None:
    """More numbers than the budget."""
    if "done" in found:
        return f"it came as far as {found['done']}"
    count = found["numbers"]
    return f"{count:,} numbers, {BUDGET:,} at most" if count > BUDGET else None


def forgot(found: Mapping[str, Any], _: Any) -> str | None:
    """The model no longer foresees calls."""
    if "done" in found:
        return f"it came as far as {found['done']}"
    lost = found["surprise"]
    return f"{lost} nats a token, {MOST_SURPRISE} at most" if lost > MOST_SURPRISE else None


def slow(found: Mapping[str, Any], _: Any) -> str | None:
    """It took the long way."""
    took = found["seconds"]
    so_far = f" for {found['done']}" if "done" in found else ""
    return f"{took} s{so_far}, {SECONDS:.0f} at most" if took > SECONDS else None
