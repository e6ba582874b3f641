"""The checks: what a slope is against what it should be, and what became of a descent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

CLOSE = 1e-6
"""How far off a gradient may be, of its length."""
RIGHT = 0.8
"""The share of fresh reviews that must be labelled rightly."""
NATS = 0.3
"""What a fresh label may cost."""


def _off(found: list[float], wanted: list[float]) -> float:
    """How far apart, against how long the second is; infinite if a number is none."""
    gap = math.dist(found, wanted) / max(math.hypot(*wanted), 1e-12)
    return gap if math.isfinite(gap) else math.inf


def misshapen(found: Mapping[str, Any], expect: Any) -> str | None:
    """The gradient has another shape than the place."""
    got, want = tuple(found["shape"]), tuple(expect["shape"])
    return None if got == want else f"its shape is {got}, and that of x is {want}"


def not_the_slope(found: Mapping[str, Any], expect: Any) -> str | None:
    """The gradient is another one."""
    if misshapen(found, expect):
        return None  # that is for the other check to say
    off = _off(found["slopes"], expect["slopes"])
    return None if off <= CLOSE else f"the gradient is off by {off:.2g} of its length"


def wasteful(found: Mapping[str, Any], expect: Any) -> str | None:
    """f was asked more than twice a number, and once more."""
    most = 2 * len(expect["slopes"]) + 1
    asked = found["asked"]
    return None if asked <= most else f"f was asked {asked} times, {most} at most"


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """What was given is not what it was."""
    return None if found["kept"] else "what it was given is changed afterwards"


def not_the_loss(found: Mapping[str, Any], expect: Any) -> str | None:
    """The loss is another one."""
    off = abs(found["loss"] - expect["loss"]) / max(abs(expect["loss"]), 1e-3)
    if off <= CLOSE:
        return None
    return f"the loss is {found['loss']:.4g}, not {expect['loss']:.4g}"


def not_its_slopes(found: Mapping[str, Any], expect: Any) -> str | None:
    """A slope of the loss is another one."""
    if len(found["bias"]) != len(expect["bias"]):
        return f"the slopes by the bias are {len(found['bias'])}, not {len(expect['bias'])}"
    size = max(abs(expect["scale"]), math.hypot(*expect["bias"]), 1e-9)
    if not abs(found["scale"] - expect["scale"]) <= CLOSE * size:
        return f"the slope by the scale is {found['scale']:.4g}, not {expect['scale']:.4g}"
    off = math.dist(found["bias"], expect["bias"]) / size
    return None if off <= CLOSE else f"the slopes by the bias are off by {off:.2g}"


def too_long(found: Mapping[str, Any], _: Any) -> str | None:
    """A step a little shorter blew up."""
    far = found["below"]
    return None if far < 1 else f"with 95 % of that step it ends {far:.2g} times as far off"


def too_short(found: Mapping[str, Any], _: Any) -> str | None:
    """A step a little longer still came down."""
    far = found["above"]
    return None if far > 1 else f"with 105 % of that step it still comes down, to {far:.2g}"


def mislabelled(found: Mapping[str, Any], _: Any) -> str | None:
    """Too few of the fresh reviews are labelled rightly."""
    right, asked = found["right"], found["asked"]
    return None if right >= RIGHT * asked else f"{right} of {asked} right, {RIGHT:.0%} needed"


def unsure(found: Mapping[str, Any], _: Any) -> str | None:
    """The right labels cost too much."""
    nats = found["nats"]
    return None if nats <= NATS else f"a right label costs {nats:.3f} nats, {NATS} at most"
