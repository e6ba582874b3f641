"""Intervals drawn to scale, and in words."""

from __future__ import annotations

from rich.text import Text

WIDTH = 33
"""Characters of a plotted interval; odd, so that the middle has a place."""
NARROW = 21
"""The same, of a difference."""


def interval_bar(
    mean: float,
    low: float | None,
    high: float | None,
    left: float,
    right: float,
    width: int = WIDTH,
) -> Text:
    """An interval on a scale from `left` to `right`: `    ├───●──┤   `."""

    def place(value: float) -> int:
        share = (value - left) / (right - left)
        return round(min(max(share, 0.0), 1.0) * (width - 1))

    cells = [" "] * width
    if left < 0 < right:
        cells[place(0)] = "┆"
    if low is not None and high is not None:
        first, last = place(low), place(high)
        for n in range(first, last + 1):
            cells[n] = "─"
        cells[first], cells[last] = "├", "┤"
    at = place(mean)
    cells[at] = "●"
    return Text.assemble(
        ("".join(cells[:at]), "cyan"), (cells[at], "bold"), ("".join(cells[at + 1 :]), "cyan")
    )


def bounds_of(low: float | None, high: float | None, n: int, sign: str = "") -> str:
    """An interval in words; `n` is how many samples it rests on."""
    if low is None or high is None:
        return "too few to say" if n < 2 else "all the same"
    return f"{low:{sign}.3f} … {high:{sign}.3f}"
