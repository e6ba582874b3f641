"""Pictures on a sheet, each point a square, with words beside the rows and above the columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_PAPER, _INK, _FRAME = (250, 249, 246), (52, 52, 58), (226, 224, 218)
_GAP, _SIZE, _LINE = 6, 15, 22


def sheet(rows: Sequence[tuple[str, Array]], columns: Sequence[str] = (), tall: int = 56) -> bytes:
    """Rows of pictures (n, 3, side, side), shades from -1 to 1, each with its words, as PNG.

    Args:
        columns: words above the columns.
        tall: how high a picture gets at least, in whole points for each of its own.
    """
    from PIL import Image, ImageDraw, ImageFont

    paper = Image.new("RGB", (1, 1))
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(_SIZE)
    side = max(pictures.shape[-1] for _, pictures in rows)
    edge = side * -(-tall // side)
    left = max((int(pen.textlength(words, font)) for words, _ in rows if words), default=0)
    left += 3 * _GAP if left else _GAP
    top = (_LINE if columns else 0) + _GAP
    most = max(len(pictures) for _, pictures in rows)
    cell = edge + _GAP
    paper = Image.new("RGB", (left + most * cell, top + len(rows) * cell), _PAPER)
    pen = ImageDraw.Draw(paper)
    for number, words in enumerate(columns):
        middle = left + number * cell + edge // 2
        pen.text((middle, top - _GAP - 3), words, fill=_INK, font=font, anchor="ms")
    for line, (words, pictures) in enumerate(rows):
        at = top + line * cell
        pen.text((left - 2 * _GAP, at + edge // 2), words, fill=_INK, font=font, anchor="rm")
        for number, picture in enumerate(pictures):
            tile = Image.fromarray(_whole(picture)).resize((edge, edge), Image.Resampling.NEAREST)
            paper.paste(tile, (left + number * cell, at))
            box = (left + number * cell - 1, at - 1, left + number * cell + edge, at + edge)
            pen.rectangle(box, outline=_FRAME)
    file = io.BytesIO()
    paper.save(file, format="PNG")
    return file.getvalue()


def _whole(picture: Array) -> Array:
    import numpy as np

    shades = ((np.asarray(picture, float) + 1) * 127.5).round().clip(0, 255)
    return shades.astype(np.uint8).transpose(1, 2, 0)
