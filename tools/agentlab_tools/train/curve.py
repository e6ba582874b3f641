"""A curve drawn in text, two by four dots a character, for terminals of any width."""

from __future__ import annotations

from collections.abc import Mapping

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800


def curve(values: Mapping[int, float], width: int = 72, height: int = 10) -> list[str]:
    """Lines of text: the values over the steps, with their scale on the left and below.

    Args:
        values: by step. Where several steps share a column of dots, their mean is drawn.
        width: of the whole picture, in characters; at least 24.
        height: of the plot itself, in lines; at least 2.
    """
    if not values:
        return []
    steps = sorted(values)
    first, last = steps[0], steps[-1]
    low, high = min(values.values()), max(values.values())
    labels = [_number(high), *[""] * (height - 2), _number(low)]
    margin = max(map(len, labels))
    columns, rows = 2 * (width - margin - 2), 4 * height
    points = _means(values, steps, columns, high, low, rows)
    cells = [[_BLANK] * (columns // 2) for _ in range(height)]
    before: int | None = None
    for x in sorted(points):
        y = points[x]
        start = y if before is None or abs(before - y) <= 1 else before + (1 if y > before else -1)
        for dot in range(min(start, y), max(start, y) + 1):
            cells[dot // 4][x // 2] |= _DOTS[x % 2][dot % 4]
        before = y
    lines = [
        f"{label:>{margin}} ┤" + "".join(map(chr, row)).rstrip(chr(_BLANK))
        for label, row in zip(labels, cells, strict=True)
    ]
    left, right = f"step {first}", str(last) if last > first else ""
    axis = " " * (margin + 1) + "└" + "─" * (columns // 2)
    return [*lines, axis, " " * (margin + 2) + left + right.rjust(columns // 2 - len(left))]


def _means(
    values: Mapping[int, float], steps: list[int], columns: int, high: float, low: float, rows: int
) -> dict[int, int]:
    """For each column of dots that has any: its row, from 0 at the top."""
    first, last = steps[0], steps[-1]
    gathered: dict[int, list[float]] = {}
    for step in steps:
        x = round((step - first) / max(last - first, 1) * (columns - 1))
        gathered.setdefault(x, []).append(values[step])
    span = high - low or 1.0
    return {
        x: round((high - sum(each) / len(each)) / span * (rows - 1)) for x, each in gathered.items()
    }


def _number(value: float) -> str:
    return f"{value:.4g}"
