"""What is wrong with a heat map of signed values: its cells, their names and their colours."""

from __future__ import annotations

from collections.abc import Sequence
from math import dist, isclose
from typing import Any

_SAME = 0.12
"""Two colours this near (of 1.73 between black and white) are taken for one another."""
_EVEN = 1.8
"""How many times as strong a value's colour may be as that of its opposite."""


def _mapped(axes: Any) -> Any:
    return next((cells for one in axes for cells in one["cells"]), None)


def miswritten(axes: Any, given: Any) -> str | None:
    """A value that isn't at its names."""
    mapped = _mapped(axes)
    if mapped is None:
        return "no cells are drawn"
    places: list[dict[str, float]] = []
    for names, wanted in zip(axes[0]["names"], (given["columns"], given["rows"]), strict=True):
        places.append({text: at for at, text in names})
        missing = [name for name in wanted if name not in places[-1]]
        if missing:
            return f"no tick says {missing[0]!r}: {', '.join(places[-1]) or 'none'}"
    for row, line in zip(given["rows"], given["table"], strict=True):
        for column, value in zip(given["columns"], line, strict=True):
            at = places[0][column], places[1][row]
            cell = min(mapped["cells"], key=lambda c: dist((c["x"], c["y"]), at))
            shown = cell["value"]
            if dist((cell["x"], cell["y"]), at) > 0.3:
                return f"the ticks {row!r} and {column!r} don't stand in the middle of a cell"
            if (shown is None) is not (value is None) and value is not None:
                return f"{row}, {column}: nothing, not {value:+.2f}"
            if value is not None and not isclose(shown, value, abs_tol=0.006):
                return f"{row}, {column}: {shown:+.2f}, not {value:+.2f}"
    return None


def keyless(axes: Any, given: Any) -> str | None:
    """Nothing says what the colours are."""
    mapped = _mapped(axes)
    if mapped is None or mapped["bar"] is None:
        return "there is no colour bar"
    if given["what"] not in mapped["bar"].lower():
        return f"the colour bar says {mapped['bar']!r}, not {given['what']!r}"
    return None


def _gaps(axes: Any, given: Any, mapped: Any) -> list[Any]:
    """The cells of which nobody knows the value."""
    at = [{text: place for place, text in names} for names in axes[0]["names"]]
    found: list[Any] = []
    for row, line in zip(given["rows"], given["table"], strict=True):
        for column, value in zip(given["columns"], line, strict=True):
            if value is None and row in at[1] and column in at[0]:
                place = at[0][column], at[1][row]
                found.append(min(mapped["cells"], key=lambda c: dist((c["x"], c["y"]), place)))
    return found


def unbalanced(axes: Any, _: Any) -> str | None:
    """Zero isn't the middle: colours that don't grow from it alike, and differently, by sign.

    Where the values of one sign go further, only their own colours count: none has the opposite.
    """
    mapped = _mapped(axes)
    if mapped is None:
        return "no cells are drawn"
    scale = {float(value): seen for value, seen in mapped["scale"].items()}
    middle = scale[0.0]
    size = -min(scale)
    up, down = scale[size], scale[-size]
    lights = light(up) - light(middle), light(down) - light(middle)
    if lights[0] * lights[1] <= 0:
        return f"from {-size:+.2f} over 0 to {size:+.2f} it gets ever {_way(lights[0])}"
    for some in (size / 2, size):
        strong = sorted(dist(scale[signed], middle) for signed in (-some, some))
        if strong[1] > _EVEN * strong[0]:
            return f"{some:+.2f} and {-some:+.2f} aren't as far from the colour of 0 as each other"
    if dist(up, down) < _SAME / 4:
        return f"{size:+.2f} and {-size:+.2f} have the same colour"
    most = max(scale)
    if dist(scale[most], scale[most / 2]) < _SAME:
        return f"{most:+.2f} and {most / 2:+.2f} have the same colour"
    return None


def unseen(axes: Any, given: Any) -> str | None:
    """What nobody knows looks like zero, or like some value."""
    mapped = _mapped(axes)
    if mapped is None:
        return "no cells are drawn"
    scale = {float(value): seen for value, seen in mapped["scale"].items()}
    for cell in _gaps(axes, given, mapped):
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
