"""The checks: what was seen of wirings, of fills, of probes and of routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .routing import ENOUGH

Found = Mapping[str, Any]
Complaint = Callable[[Found, Any], str | None]

ALIKE = 0.02
"""How much larger the largest net may be than the smallest."""
GPT, T5 = 0.85, 0.8
"""The share of fresh gaps that have to be filled rightly."""


def uneven(found: Found, _: Any) -> str | None:
    """The nets are not equally large."""
    sizes = found["sizes"]
    least, most = min(sizes, key=sizes.get), max(sizes, key=sizes.get)
    if sizes[most] <= (1 + ALIKE) * sizes[least]:
        return None
    return f"{most} has {sizes[most]:,} weights, {least} {sizes[least]:,}"


def miswired(kind: str) -> Complaint:
    """A net makes other scores than it should."""
    return lambda found, _: found[kind]


def unfilled(kind: str, enough: float) -> Complaint:
    """Too few gaps are filled so that the sentence is one."""

    def complaint(found: Found, _: Any) -> str | None:
        one = found[kind]
        if one["right"] >= enough:
            return None
        example = f"; e.g. {one['e.g.'][0]}" if one["e.g."] else ""
        return f"{one['right']:.1%} are right, {enough:.0%} needed{example}"

    return complaint


def sighted(found: Found, _: Any) -> str | None:
    """The probe does not show that a decoder is blind to what comes later."""
    one = found["blind"]
    if one["same"]:
        return "both texts after the gap are the same"
    if one["both"]:
        return f"{one['both']!r} fits before both, so nothing after the gap decides"
    if not one["wrong"]:
        return f"from the left both came out right: {one['shown']}"
    return f"{one['still'][0]!r} is wrong with the right side first, too" if one["still"] else None


def whole(found: Found, _: Any) -> str | None:
    """The probe does not show that an encoder's words do not know of each other."""
    one = found["torn"]
    if one["why"] is None:
        return f"it came out right: {one['shown']}"
    if one["words"] < 2:
        return f"it put in one word, which has nothing to agree with: {one['shown']}"
    return f"t5 gets it wrong, too: {one['shown']}" if one["still"] else None


def astray(found: Found, _: Any) -> str | None:
    """Too many requests went to another tool."""
    if found["right"] >= ENOUGH:
        return None
    return f"{found['right']:.1%} went to the right tool, {ENOUGH:.0%} needed"


def uncalled(found: Found, _: Any) -> str | None:
    """The agent did not call the tool that a request needs."""
    if not found.get("calls"):
        return "the agent was not asked, since the router is not good enough"
    wrong = [one for one in found["calls"] if not one["tool"]]
    return f"asked {wrong[0]['asked']!r}, it called {wrong[0]['said']}" if wrong else None
