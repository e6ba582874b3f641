"""The checks: bytes and errors of what was kept, slopes and memory of a layer, bytes of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Found = Mapping[str, Any]


def heavy(found: Found, _: Any) -> str | None:
    """What was kept takes more bytes than there are."""
    for one in found["tries"]:
        if one["bytes"] > one["room"]:
            each = 8 / one["count"]
            return (
                f"{one['title']}: {one['bytes'] * each:.2f} bits a weight, "
                f"{one['room'] * each:.2f} allowed"
            )
    return None


def far_off(found: Found, _: Any) -> str | None:
    """What comes back is another matrix, or too far from what it was."""
    for one in found["tries"]:
        if one["why"] is not None:
            return f"{one['title']}: {one['why']}"
        if not one["error"] <= one["allowed"]:
            return f"{one['title']}: off by {one['error']:.1%}, {one['allowed']:.1%} allowed"
    return None


CLOSE = 0.02
"""How far off a product may be, of its length: room for bfloat16."""
LEFT = 0.25
"""What may wait for the way back, of the bytes that the weights have in bfloat16."""
BITS = 4.3
"""Bits a weight that a layer may hold beside its adapter: 4.25, and some room."""


def bulky(found: Found, _: Any) -> str | None:
    """It holds more than codes, scales and an adapter."""
    count, adapter = found["count"], 2 * found["wanted"]
    bits = 8 * (found["held"] - adapter) / count
    return None if bits <= BITS else f"it holds {bits:.1f} bits a weight, adapter apart"


def strange(found: Found, _: Any) -> str | None:
    """It learns something else than A and B, or in other numbers."""
    if found["learnt"] != found["wanted"]:
        return f"it learns {found['learnt']:,} numbers, where A and B have {found['wanted']:,}"
    return None if found["bits"] == 16 else f"its adapter's numbers have {found['bits']} bits"


def moved(found: Found, _: Any) -> str | None:
    """Before it learnt, it is another layer than the frozen one."""
    return _off(found, "start", "before it learnt anything, what it makes")


def unmade(found: Found, _: Any) -> str | None:
    """It makes something else."""
    return _off(found, "made", "what it makes")


def cut(found: Found, _: Any) -> str | None:
    """Slopes do not come through, or others do."""
    for name, says in (
        ("back", "the slope that goes on to earlier layers"),
        ("a_slope", "the slope of A"),
        ("b_slope", "the slope of B"),
    ):
        if why := _off(found, name, says):
            return why
    return None


def hoarded(found: Found, _: Any) -> str | None:
    """A pass leaves the weights behind until the way back."""
    left = found["left"] / (2 * found["count"])
    if left <= LEFT:
        return None
    return f"{left:.0%} of what the weights take in 16 bits wait for the way back"


def _off(found: Found, name: str, says: str) -> str | None:
    off = found["off"].get(name)
    if off is None:
        return f"{says} is not there, or has another shape"
    return None if off <= CLOSE else f"{says} is off by {off:.1%}"


CLOSELY = 0.01
"""How far off a count of bytes may be."""
APART = 0.02
"""How far off a logit may be in llama.cpp, where the adapter is in float16; they range over ten."""


def miscounted(found: Found, _: Any) -> str | None:
    """A model needs other bytes."""
    for one in found["needs"]:
        off = one["said"] / one["taken"] - 1
        if not abs(off) <= CLOSELY:
            said, taken = (f"{one[name] / 1e9:.3g} GB" for name in ("said", "taken"))
            return f"{one['title']}: {said} said, {taken} counted: {off:+.1%}"
    return None


def misjudged(found: Found, _: Any) -> str | None:
    """A job does not fit, or another that rounds less would."""
    for one in found["jobs"]:
        if one["recipe"] != one["right"]:
            return f"{one['kind']}: {one['recipe']} was chosen, {one['right']} is right"
        if (rank := one["settings"].get("rank")) != 8:
            return f"{one['kind']}: rank {rank} was set, 8 is right"
    return None


def untrained(found: Found, _: Any) -> str | None:
    """A small model was not trained, took other bytes, or is another one when it is served."""
    for one in found["jobs"]:
        ran = one.get("ran")
        if ran is None:
            return "nothing was trained, since the counts or the jobs are not right"
        if not ran["losses"][-1] < ran["losses"][0]:
            return f"{one['kind']}: its loss did not fall: {ran['losses']}"
        if not ran["apart"] <= APART:
            return f"{one['kind']}: llama.cpp is off by {ran['apart']:.2g} with the adapter"
    return None


def too_large(found: Found, _: Any) -> str | None:
    """What is served takes more than there is."""
    if found["megabytes"] <= found["room"]:
        return None
    return f"{found['megabytes']:.1f} MB to serve, {found['room']:.0f} MB allowed"


def confused(found: Found, _: Any) -> str | None:
    """The agent calls with another number, or does not call."""
    if not found["orders"]:
        return "it was not asked, since it does not fit"
    for order, said in found["orders"]:
        if order not in said:
            return f"asked about order {order}: {said}"
    return None
