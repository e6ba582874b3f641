"""What the judge knows: convolution, how layers move, digits that were moved, and busy scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools import digits
from agentlab_tools.digits import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

ROOM = 18
"""A side of the pictures in which a digit is moved: two points of room all round."""
SCENE = 36
SCRAP, SCRAPS = 7, 3
"""A side of the pieces of other digits that lie about in a scene, and how many there are."""
_MIDDLE = (SCENE - SIDE) / 2
_WELL, _APART, _INK = 4, 3, 8
"""Points off the middle to lie well in a quarter, off a digit to be another place; ink of one."""


def drawn(seed: int, known: int, fresh: int) -> tuple[Array, Array, Array, Array]:
    """Pictures of 14 by 14 to learn from with their digits, and others with theirs."""
    x, y, others, right = digits.drawn(seed, known, fresh)
    return x.reshape(-1, SIDE, SIDE), y, others.reshape(-1, SIDE, SIDE), right


def conv2d(x: Array, filters: Array, stride: int, padding: int) -> Array:
    """(n, channels, h, w) and (f, channels, a, b) make (n, f, rows, columns)."""
    import numpy as np

    room = (padding, padding)
    seen = _windows(np.pad(x, ((0, 0), (0, 0), room, room)), filters.shape[2:], stride)
    return np.einsum("ncyxab,fcab->nfyx", seen, filters)


def max_pool(x: Array, size: int, stride: int) -> Array:
    """The largest of each window that lies wholly in (n, channels, h, w)."""
    return _windows(x, (size, size), stride).max(axis=(4, 5))


def _windows(x: Array, size: Sequence[int], stride: int) -> Array:
    from numpy.lib.stride_tricks import sliding_window_view

    return sliding_window_view(x, tuple(size), axis=(2, 3))[:, :, ::stride, ::stride]


def moves(layers: Sequence[str], width: int) -> tuple[int, int] | None:
    """How a net moves, from how it is made: (points for one place, columns that the edge spoils).

    Args:
        layers: "conv SIZE STRIDE PADDING", "pool SIZE STRIDE", "relu", "peak" and "mean" over all
            places, "weigh" (each place has a weight of its own) and "dense".
        width: columns of a picture.

    Returns:
        (0, 0) if it gives the same wherever a thing lies, None if it does not move at all.
    """
    step, spoilt = 1, [False] * width
    for layer in layers:
        match layer.split():
            case ["conv", size, stride, padding]:
                room = [True] * int(padding)
                spoilt = _touched(room + spoilt + room, int(size), int(stride))
                step *= int(stride)
            case ["pool", size, stride]:
                spoilt = _touched(spoilt, int(size), int(stride))
                step *= int(stride)
            case ["peak"]:
                return (0, 0)
            case ["mean"]:
                return (0, 0) if step == 1 else None
            case ["weigh"] | ["dense"]:
                return None
            case _:
                pass
    return step, ([*spoilt, False]).index(False)


def _touched(spoilt: Sequence[bool], size: int, stride: int) -> list[bool]:
    return [any(spoilt[at : at + size]) for at in range(0, len(spoilt) - size + 1, stride)]


def shifted(x: Array, down: int, right: int) -> Array:
    """Digits of 14 by 14 in pictures of 18 by 18, so many points off the middle."""
    import numpy as np

    made = np.zeros((len(x), ROOM, ROOM))
    top, left = (ROOM - SIDE) // 2 + down, (ROOM - SIDE) // 2 + right
    made[:, top : top + SIDE, left : left + SIDE] = x
    return made


def scenes(x: Array, scraps: Array, seed: int) -> tuple[Array, list[tuple[int, int]]]:
    """Each digit somewhere in a picture of 36 by 36, among pieces of other digits.

    Returns:
        The pictures, and the row and column at which each digit's own 14 by 14 points begin. No
        scrap reaches into those.
    """
    import numpy as np

    dice = np.random.default_rng(seed)
    made = np.zeros((len(x), SCENE, SCENE))
    places: list[tuple[int, int]] = []
    for scene, digit in zip(made, x, strict=True):
        top, left = dice.integers(0, SCENE - SIDE + 1, size=2).tolist()
        for _ in range(SCRAPS):
            row, column = top, left
            while max(row - top, column - left) < SIDE and min(row - top, column - left) > -SCRAP:
                row, column = dice.integers(0, SCENE - SCRAP + 1, size=2).tolist()
            a, b = dice.integers(2, SIDE - SCRAP - 1, size=2)
            piece = scraps[dice.integers(len(scraps)), a : a + SCRAP, b : b + SCRAP]
            there = scene[row : row + SCRAP, column : column + SCRAP]
            np.maximum(there, piece, out=there)
        scene[top : top + SIDE, left : left + SIDE] = digit
        places.append((top, left))
    return made, places


def corner(top: int, left: int) -> str:
    """In which quarter of a scene the middle of a digit lies."""
    return f"{'top' if top < _MIDDLE else 'bottom'} {'left' if left < _MIDDLE else 'right'}"


def clearest(scenes: Array, places: Sequence[tuple[int, int]], known: Array) -> list[int]:
    """Scenes in which a digit lies well in a quarter, those first that are the least busy.

    That is: in which no other place looks nearly as much like one of the known digits, for the ink
    that is there, as the place of the digit does.
    """

    seen = known.reshape(len(known), -1)
    squares = (seen**2).sum(axis=1)
    leads: dict[int, float] = {}
    for number, (top, left) in enumerate(places):
        if min(abs(at - _MIDDLE) for at in (top, left)) <= _WELL:
            continue
        windows = _windows(scenes[number : number + 1, None], (SIDE, SIDE), 1)
        flat = windows.reshape(-1, SIDE * SIDE)
        ink = (flat**2).sum(axis=1)
        far = ((squares - 2 * flat @ seen.T).min(axis=1) + ink) / (ink + 1)
        far[ink < _INK] = 1
        far = far.reshape(windows.shape[2:4])
        own = float(far[top, left])
        far[max(top - _APART, 0) : top + _APART + 1, max(left - _APART, 0) : left + _APART + 1] = 1
        leads[number] = float(far.min()) - own
    return sorted(leads, key=lambda number: -leads[number])


def strongest(filters: Array, pictures: Array) -> Array:
    """For each filter, the piece of a picture to which it answers most, (f, a, b)."""
    import numpy as np

    seen = _windows(pictures[:, None], filters.shape[1:], 1)[:, 0]
    answers = np.einsum("nyxab,fab->fnyx", seen, filters)
    pieces = seen.reshape(-1, *filters.shape[1:])
    return pieces[answers.reshape(len(filters), -1).argmax(axis=1)]


def drawing(pictures: Array, shades: str = " .:*#") -> str:
    """Pictures side by side, two columns a point, from the lowest shade, 0, to the highest, 1."""
    import numpy as np

    top = len(shades) - 1
    lines: list[str] = []
    for row in np.clip(pictures, 0, 1).transpose(1, 0, 2):
        lines.append(" | ".join("".join(2 * shades[round(float(p) * top)] for p in o) for o in row))
    return "\n".join(lines)
