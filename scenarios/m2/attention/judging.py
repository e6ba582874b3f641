"""The checks: what came out, against what the model itself does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

NEAR = 0.06
"""How far logits may be off those of llama.cpp, which multiplies in 8 bits."""
HITS = 5
"""Of six heads that are named, so many must be among the judge's first nine."""
DEAR = 3.5
"""Nats a token that the dearest head must cost on what is said again."""
ORDERS = 3
"""How many the agent is asked about with heads off."""
NEEDED = 6.0
"""Nats that an order's number must cost without the heads it needs; to guess five digits: 11.5."""
FREE = 1.0
"""Nats that it may cost without others. Four of the eight that copy, off: about 1."""
SPARED = 0.1
"""Nats a token that switching off may cost on ordinary text."""

Complaint = Callable[[Mapping[str, Any], Any], str | None]


def differs(found: Mapping[str, Any], _: Any) -> str | None:
    """Not what attention comes to."""
    return found["same"]


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """What was given is not what it was."""
    return found.get("changed")


def elsewhere(found: Mapping[str, Any], _: Any) -> str | None:
    """The model with it does not say what llama.cpp has it say."""
    if "off" not in found:
        return found.get("model") or "the model has not read with it yet: first mend the arrays"
    off = found["off"]
    return f"the logits are off by {off:.1%} of their length" if not off <= NEAR else None


def misses(name: str, what: str) -> Complaint:
    """The heads named are not those that do it."""

    def complaint(found: Mapping[str, Any], _: Any) -> str | None:
        hits = found[f"{name}_hits"]
        looks = ", ".join(f"{look:.2f}" for look in found[f"{name}_looks"])
        return f"{hits} of your first six {what}: they do so by {looks}" if hits < HITS else None

    return complaint


def cheap(found: Mapping[str, Any], _: Any) -> str | None:
    """There is a head that costs far more."""
    again = found["measured"][0]
    short = again < DEAR
    return f"head {tuple(found['head'])} costs {again:+.2f}, and one costs more" if short else None


def mismeasured(found: Mapping[str, Any], _: Any) -> str | None:
    """What it is said to cost on what is said again is not what it costs."""
    said, again = found["said"][0], found["measured"][0]
    wide = not abs(said - again) <= 0.25 * abs(again) + 0.4
    return f"you say {said:+.2f}, on fresh lines it is {again:+.2f}" if wide else None


def overcharged(found: Mapping[str, Any], _: Any) -> str | None:
    """What it is said to cost on ordinary text is not what it costs."""
    said, plain = found["said"][1], found["measured"][1]
    return f"you say {said:+.2f}, it is {plain:+.2f}" if not abs(said - plain) <= 0.25 else None


def unneeded(found: Mapping[str, Any], _: Any) -> str | None:
    """The agent still knows the number without them."""
    if "needed_nats" not in found:
        return str(found.get("why") or "not tried: ordinary text suffers")
    nats = found["needed_nats"]
    known = not nats >= NEEDED
    return f"without them a number costs {nats:.2f} nats: it knows what to copy" if known else None


def unspared(found: Mapping[str, Any], _: Any) -> str | None:
    """The control does harm, too: then it is not those eight."""
    if "spare_nats" not in found:
        return str(found.get("why") or "not tried: those it needs come first")
    nats = found["spare_nats"]
    return f"without them, too, a number costs {nats:.2f} nats" if not nats <= FREE else None


def harmed(found: Mapping[str, Any], _: Any) -> str | None:
    """All reading suffers, and not copying alone."""
    for name in ("needed", "spare"):
        plain = found.get(f"{name}_plain", 0.0)
        if not plain <= SPARED:
            return f"the {name} heads off, ordinary text costs {plain:+.2f} nats a token"
    return None
