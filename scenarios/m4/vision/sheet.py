"""Contact sheets: pictures, and beside each what was asked and what was answered, as a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_TALL, _GAP, _WIDE, _SIZE = 72, 12, 560, 17
_PAPER, _INK, _GREY = (255, 255, 255), (30, 30, 30), (120, 120, 120)
_GOOD, _BAD = (0, 130, 60), (190, 40, 40)


@dataclass(frozen=True)
class Row:
    """A picture, the question, the answer, what is right, and whether that was said."""

    picture: Array
    asked: str
    said: str
    right: str
    good: bool


def sheet(rows: Sequence[Row]) -> bytes:
    """All rows, one below the other; a right answer is green, a wrong one red."""
    from PIL import Image, ImageDraw, ImageFont

    size = (_TALL + _WIDE + 3 * _GAP, len(rows) * (_TALL + _GAP) + _GAP)
    paper = Image.new("RGB", size, _PAPER)
    pen, font, small = ImageDraw.Draw(paper), *map(ImageFont.load_default, (_SIZE, _SIZE - 4))
    for number, row in enumerate(rows):
        top, left = _GAP + number * (_TALL + _GAP), _TALL + 2 * _GAP
        tile = Image.fromarray(row.picture).resize((_TALL, _TALL), Image.Resampling.BICUBIC)
        paper.paste(tile, (_GAP, top))
        pen.text((left, top + 4), _fitted(row.asked, pen, small), fill=_GREY, font=small)
        ink = _GOOD if row.good else _BAD
        pen.text((left, top + 24), _fitted(row.said, pen, font), fill=ink, font=font)
        if not row.good:
            pen.text((left, top + 50), f"it is: {row.right}", fill=_INK, font=small)
    file = io.BytesIO()
    paper.save(file, format="PNG")
    return file.getvalue()


def _fitted(text: str, pen: Any, font: Any) -> str:
    """As much of a text as fits into a line."""
    line = " ".join(text.split())
    if pen.textlength(line, font) <= _WIDE:
        return line
    while line and pen.textlength(f"{line}…", font) > _WIDE:
        line = line[:-1]
    return f"{line}…"
