"""The checks: what is computed by hand, what a net draws, and how exactly its ways are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .cases import Mixture
from .learning import FAR, MEASURED, NEW, SHOWN, UNSHOWN, UNTOLD, VARIED
from .perfect import best
from .sampling import ENOUGH

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]

CLOSE = 1e-5
COPIED = 0.05
"""How far a walk along the best directions may end from a known digit, (shades of 196 points)."""


def noted(name: str) -> Complaint:
    """A complaint that was made where everything was at hand."""
    return lambda found, _: found[name]


def misled(asked: Sequence[Mixture], said: Sequence[Any], names: Sequence[str]) -> str | None:
    """Of mixtures with these names, another direction was said to be the best."""
    import numpy as np

    for (name, x, t, pictures), one in zip(asked, said, strict=True):
        if name not in names:
            continue
        if isinstance(one, str):
            return f"{name}: {one}"
        due = best(x, t, pictures)
        given = np.array(one, dtype=float)
        if given.shape != due.shape:
            return f"{name}: best returned the shape {given.shape}, not {due.shape}"
        bad = ~(np.abs(given - due) <= CLOSE * (1 + np.abs(due)))
        if bad.any():
            at = tuple(np.argwhere(bad)[0].tolist())
            return f"{name}: row {at[0]} leads to {given[at]:.6g}, and not to {due[at]:.6g}"
    return None


def astray(found: Found, _: Any) -> str | None:
    """A walk does not end at digits."""
    if isinstance(found["walk"], str):
        return found["walk"]
    if found["walk"] <= COPIED:
        return None
    return f"it ends {found['walk']:.2f} from the nearest known digit, {COPIED} is allowed"


def lacking(name: str) -> Complaint:
    """A complaint of what a net draws, by one measure."""
    return lambda found, _: _WHY[name](found)


def _few(which: str, needed: float, what: str) -> Callable[[Found], str | None]:
    def why(found: Found) -> str | None:
        share = found[which][f"{MEASURED:g}"]
        if share >= needed:
            return None
        return f"at guidance {MEASURED:g}, {share:.0%} of {what} are as asked, {needed:.0%} needed"

    return why


def _told(found: Found) -> str | None:
    if found["moved"] > 1e-4:
        return "at guidance 0, other prompts give other pictures: nobody should be asked"
    share = found["shown"]["0"]
    if share <= UNTOLD:
        return None
    return f"at guidance 0, {share:.0%} are as asked, and nobody was asked"


def _turned(found: Found) -> str | None:
    one, two = found["shown"]["1"], found["shown"]["2"]
    if two > one > found["shown"]["0"]:
        return None
    return f"at guidance 1, {one:.0%} are as asked, and {two:.0%} at 2: turned up, it should help"


def _flat(found: Found) -> str | None:
    if found["varied"] >= VARIED:
        return None
    return (
        f"at one digit, they vary {found['varied']:.0%} as much as real ones, {VARIED:.0%} needed"
    )


def _far(found: Found) -> str | None:
    if found["far"] <= FAR:
        return None
    return f"their Fréchet distance from real digits is {found['far']:.1f}, {FAR:.0f} at most"


def _old(found: Found) -> str | None:
    if found["new"] >= NEW:
        return None
    return (
        f"the nearest known digit is {found['new']:.2f} times as far as from a real one, "
        f"{NEW} needed"
    )


_WHY: Mapping[str, Callable[[Found], str | None]] = {
    "shown": _few("shown", SHOWN, "prompts that were shown"),
    "unshown": _few("unshown", UNSHOWN, "prompts that never were"),
    "untold": _told,
    "turned": _turned,
    "varied": _flat,
    "far": _far,
    "new": _old,
}


def ungranted(found: Found, _: Any) -> str | None:
    """Too few wishes came true."""
    if "agent" not in found:
        return "the agent was not asked: first draw nearer"
    true = sum(one["true"] for one in found["agent"])
    if true >= ENOUGH:
        return None
    one = next(one for one in found["agent"] if not one["true"])
    return (
        f"{true} of 3 wishes came true, {ENOUGH} needed; for {one['wish']!r}, the agent had "
        f"{one['prompt'] or 'nothing'} painted, which looks like: {one['seen']}"
    )
