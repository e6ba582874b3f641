"""Films as pictures: a strip of frames, and a clip that plays; points are enlarged, not blurred."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_GAP, _LINE = 1, 0.35
_LARGE, _TIMES, _SECONDS = 420, 8, 0.16
_WIDEST = 1000


def strip(films: Sequence[Array]) -> bytes:
    """Films of as many frames each, a row of frames for each, as PNG."""
    rows = [_beside(frames) for frames in films]
    sheet = _below(rows)
    return _saved([sheet], max(2, _WIDEST // sheet.shape[1]), "PNG")


def clip(films: Sequence[Array]) -> bytes:
    """Films side by side, frame by frame, as a GIF that plays on and on."""
    moments = [_beside([film[n] for film in films]) for n in range(len(films[0]))]
    return _saved(moments, min(_TIMES, max(3, _LARGE // moments[0].shape[1])), "GIF")


def _beside(frames: Iterable[Array]) -> Array:
    """Frames in a row, with a line of grey between them."""
    import numpy as np

    parts: list[Any] = []
    for frame in frames:
        parts += [np.full((len(frame), _GAP), _LINE), np.clip(frame, 0, 1)]
    return np.concatenate(parts[1:], axis=1)


def _below(rows: Sequence[Array]) -> Array:
    import numpy as np

    line = np.full((_GAP, rows[0].shape[1]), _LINE)
    return np.concatenate([part for row in rows for part in (line, row)][1:])


def _saved(moments: Sequence[Array], times: int, kind: str) -> bytes:
    """Shades from 0 to 1, each point so many times as large."""
    import numpy as np
    from PIL import Image

    large = [np.kron(np.nan_to_num(one), np.ones((times, times))) for one in moments]
    pictures = [Image.fromarray((one * 255).round().astype(np.uint8)) for one in large]
    first, *others = pictures
    file = io.BytesIO()
    more: dict[str, Any] = {"optimize": True}
    if others:
        more = {"save_all": True, "append_images": others, "duration": int(_SECONDS * 1000)}
        more["loop"] = 0
    first.save(file, kind, **more)
    return file.getvalue()
