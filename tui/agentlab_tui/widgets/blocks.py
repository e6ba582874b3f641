"""Pictures in half blocks: every cell shows two pixels, one above the other."""

from __future__ import annotations

from typing import Any

from textual.content import Content


def fitting(picture: Any, room: int, enlarged: int = 48) -> tuple[int, int]:
    """Columns and pixel rows for a picture where there is room for so many columns.

    A small one is enlarged by a whole number, so that each of its pixels stays a square, up to
    `enlarged` columns; a larger one is made smaller.
    """
    times = max(1, min(room, enlarged) // picture.width)
    width = min(room, picture.width * times)
    height = max(2, round(width * picture.height / picture.width))
    return width, height + height % 2


def blocks_of(picture: Any, size: tuple[int, int]) -> Content:
    """A Pillow picture in RGB, as lines of `▀`: the colour above, and on it the one below."""
    width, height = size
    smaller = width < picture.width
    data: bytes = picture.resize(size, _SMOOTH if smaller else _NEAREST).tobytes()
    pixels = [data[place : place + 3].hex() for place in range(0, len(data), 3)]
    lines: list[Content] = []
    for row in range(0, height, 2):
        above, below = (pixels[(row + i) * width : (row + i + 1) * width] for i in (0, 1))
        runs: list[tuple[str, str]] = []
        for top, bottom in zip(above, below, strict=True):
            style = f"#{top} on #{bottom}"
            if runs and runs[-1][1] == style:
                runs[-1] = (runs[-1][0] + "▀", style)
            else:
                runs.append(("▀", style))
        lines.append(Content.assemble(*runs))
    return Content("\n").join(lines)


_NEAREST, _SMOOTH = 0, 1
"""Pillow's numbers for the nearest pixel, and for Lanczos."""
