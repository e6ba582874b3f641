"""What the colours of a heat map say of signed values."""

from __future__ import annotations

from collections.abc import Sequence
from math import dist
from typing import Any

_SAME = 0.12
"""Two colours this near (of 1.73 between black and white) are taken for one another."""
_EVEN = 1.8
"""How many times as strong a value's colour may be as that of its opposite."""


def colour_at_zero(mapped: Any) -> str | None:
    """Zero isn't the middle: colours that don't grow from it alike, and differently, by sign.

    Where the values of one sign go further, only their own colours count: none has the opposite.
    """
    scale = {float(value): seen for value, seen in mapped["scale"].items()}
    middle = scale[0.0]
    for size in sorted(-value for value in scale if value < 0):
        up, down = scale[size], scale[-size]
        strong = sorted((dist(up, middle), dist(down, middle)))
        lights = light(up) - light(middle), light(down) - light(middle)
        if lights[0] * lights[1] <= 0:
            return f"from {-size:+.2f} over 0 to {size:+.2f} it gets ever {_way(lights[0])}"
        if strong[1] > _EVEN * strong[0]:
            return f"{size:+.2f} and {-size:+.2f} aren't as far from the colour of 0 as each other"
        if dist(up, down) < _SAME:
            return f"{size:+.2f} and {-size:+.2f} have the same colour"
    most = max(scale)
    if dist(scale[most], scale[most / 2]) < _SAME:
        return f"{most:+.2f} and {most / 2:+.2f} have the same colour"
    return None


def unseen_gap(mapped: Any) -> str | None:
    """What nobody knows looks like zero, or like some value."""
    scale = {float(value): seen for value, seen in mapped["scale"].items()}
    for cell in mapped["places"]:
        if cell["value"] is not None:
            return f"where nobody knows the value, {cell['value']:+.2f} is drawn"
        for value, seen in scale.items():
            if dist(cell["seen"], seen) < _SAME:
                return f"what nobody knows has nearly the colour of {value:+.2f}"
    return None


def light(colour: Sequence[float]) -> float:
    """How light a colour is, 0 to 1."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _way(change: float) -> str:
    return "lighter" if change > 0 else "darker"
