"""Contact sheets: words, and beside them the pictures that were found, as a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_TALL, _GAP, _WORDS, _SIZE = 64, 10, 250, 17
_PAPER, _INK, _FRAME, _GREY = (255, 255, 255), (30, 30, 30), (0, 140, 60), (130, 130, 130)


@dataclass(frozen=True)
class Row:
    """What was asked, what was found, best first, and which of it is framed.

    Attributes:
        pictures: each (h, w, 3), shades from 0 to 255.
        right: the places of those that get a frame.
        below: a line in grey under the words.
    """

    words: str
    pictures: Sequence[Array]
    right: Sequence[int] = field(default_factory=tuple[int, ...])
    below: str = ""


def sheet(rows: Sequence[Row]) -> bytes:
    """All rows, one below the other; pictures are enlarged to 64 points in height."""
    from PIL import Image, ImageDraw, ImageFont

    tiles = [[_enlarged(Image.fromarray(one)) for one in row.pictures] for row in rows]
    widths = [sum(tile.width + _GAP for tile in line) for line in tiles]
    size = (_WORDS + max(widths, default=0) + _GAP, len(rows) * (_TALL + _GAP) + _GAP)
    paper = Image.new("RGB", size, _PAPER)
    pen, font, small = ImageDraw.Draw(paper), *map(ImageFont.load_default, (_SIZE, _SIZE - 4))
    for number, (row, line) in enumerate(zip(rows, tiles, strict=True)):
        top, left = _GAP + number * (_TALL + _GAP), _WORDS
        words = _wrapped(row.words, pen, font)
        high = (_SIZE + 3) * len(words) + (_SIZE if row.below else 0)
        at = top + (_TALL - high) // 2
        for text in words:
            pen.text((_GAP, at), text, fill=_INK, font=font)
            at += _SIZE + 3
        if row.below:
            pen.text((_GAP, at), row.below, fill=_GREY, font=small)
        for place, tile in enumerate(line):
            paper.paste(tile, (left, top))
            if place in row.right:
                edge = (left - 4, top - 4, left + tile.width + 3, top + _TALL + 3)
                pen.rounded_rectangle(edge, radius=6, outline=_FRAME, width=3)
            left += tile.width + _GAP
    file = io.BytesIO()
    paper.save(file, format="PNG")
    return file.getvalue()


def _enlarged(picture: Any) -> Any:
    from PIL import Image

    wide = round(picture.width * _TALL / picture.height)
    return picture.resize((wide, _TALL), Image.Resampling.LANCZOS)


def _wrapped(text: str, pen: Any, font: Any) -> list[str]:
    """Lines that fit, of whole words, three at most."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font) < _WORDS - 2 * _GAP or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines[:3]
