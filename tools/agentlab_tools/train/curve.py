"""A curve drawn in text, two by four dots a character, for terminals of any width."""

from __future__ import annotations

from collections.abc import Mapping

_MARGIN = 10
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
    first, last = min(values), max(values)
    columns, rows = 2 * (width - _MARGIN - 2), 4 * height
    means = _means(values, columns)
    low, high = min(means.values()), max(means.values())
    labels = [_number(high), *[""] * (height - 2), _number(low)]
    points = {x: round((high - y) / (high - low or 1.0) * (rows - 1)) for x, y in means.items()}
    cells = [[_BLANK] * (columns // 2) for _ in range(height)]
    before: int | None = None
    for x in sorted(points):
        y = points[x]
        start = y if before is None or abs(before - y) <= 1 else before + (1 if y > before else -1)
        for dot in range(min(start, y), max(start, y) + 1):
            cells[dot // 4][x // 2] |= _DOTS[x % 2][dot % 4]
        before = y
    lines = [
        f"{label:>{_MARGIN}} ┤" + "".join(map(chr, row)).rstrip(chr(_BLANK))
        for label, row in zip(labels, cells, strict=True)
    ]
    left, right = f"step {first}", str(last) if last > first else ""
    axis = " " * (_MARGIN + 1) + "└" + "─" * (columns // 2)
    return [*lines, axis, " " * (_MARGIN + 2) + left + right.rjust(columns // 2 - len(left))]


def _means(values: Mapping[int, float], columns: int) -> dict[int, float]:
    """For each column of dots that has any steps: the mean of their values."""
    first, last = min(values), max(values)
    gathered: dict[int, list[float]] = {}
    for step, value in values.items():
        x = round((step - first) / max(last - first, 1) * (columns - 1))
        gathered.setdefault(x, []).append(value)
    return {x: sum(each) / len(each) for x, each in gathered.items()}


def _number(value: float) -> str:
    return f"{value:.4g}"
