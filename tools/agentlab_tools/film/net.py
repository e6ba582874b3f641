"""The net that makes clips: it moves what it sees in other frames, and a small U-Net mends that.

It is told how much noise is in each of eight frames, what is to be seen, and where the ink is, and
says what it believes the clean frames to be. For each pair of frames it says how far to shift the
one to get the other, as chances for each distance, across and down (after the moving filters of
Finn, Goodfellow and Levine, 2016). All frames, and what is shifted to each, pass through the same
layers, so each is drawn with a view to all others.

The layers stand here once. `Plain` runs them with NumPy; the recipe `video` hands in PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SIDE, FRAMES = 20, 8
DIGITS, MOTIONS = 10, 6
NOBODY, ANYHOW = DIGITS, MOTIONS
"""What is told where the prompt says nothing of the digit, or of the motion."""
_WIDE, _LOW, _TOLD = 24, 48, 128
"""Channels of 20 by 20 points, and of 10 by 10; numbers that all that is told becomes."""
_FAR = 8
"""Points that a frame may be shifted, each way."""
_PAIRS = FRAMES * FRAMES
_WAVES = (1, 2, 4)


class Ops(Protocol):
    """What the layers are made of."""

    def conv(self, x: Any, filters: Any, bias: Any) -> Any:
        """Filters of 1 by 1 or 3 by 3 laid on every place of (n, channels, side, side)."""
        ...

    def even(self, x: Any) -> Any:
        """Each clip with a mean of 0 and a spread of 1."""
        ...

    def soft(self, x: Any) -> Any:
        """x times its sigmoid."""
        ...

    def joined(self, parts: Sequence[Any], axis: int = 1) -> Any:
        """One after the other."""
        ...

    def chances(self, x: Any) -> Any:
        """Numbers along the last axis made chances."""
        ...

    def halved(self, x: Any) -> Any:
        """Half as many points each way, by their means."""
        ...

    def doubled(self, x: Any) -> Any:
        """Twice as many points each way."""
        ...

    def cos(self, x: Any) -> Any:
        """Of each number."""
        ...

    def log(self, x: Any) -> Any:
        """Of each number."""
        ...


def shapes() -> dict[str, tuple[int, ...]]:
    """Every part of the net by name."""
    made: dict[str, tuple[int, ...]] = {
        "digit": (DIGITS + 1, _TOLD),
        "motion": (MOTIONS + 1, _TOLD),
        "level.weight": (_TOLD, FRAMES * (len(_WAVES) + 2)),
        "ink.weight": (_TOLD, 2 * FRAMES),
        "told.weight": (_TOLD, _TOLD),
        "told.bias": (_TOLD,),
        "again.weight": (_TOLD, _TOLD),
        "again.bias": (_TOLD,),
        "shift.weight": (2 * _PAIRS * (2 * _FAR + 1), _TOLD),
        "shift.bias": (2 * _PAIRS * (2 * _FAR + 1),),
        "source.weight": (_PAIRS, _TOLD),
        "source.bias": (_PAIRS,),
        "in.weight": (_WIDE, 3 * FRAMES + 2, 3, 3),
        "in.bias": (_WIDE,),
        "out.weight": (FRAMES, _WIDE, 3, 3),
        "out.bias": (FRAMES,),
    }
    blocks = {
        "down": (_WIDE, _WIDE),
        "low1": (_WIDE, _LOW),
        "low2": (_LOW, _LOW),
        "up": (_LOW + _WIDE, _WIDE),
    }
    for name, (read, wide) in blocks.items():
        made |= {
            f"{name}.first.weight": (wide, read, 3, 3),
            f"{name}.first.bias": (wide,),
            f"{name}.tell.weight": (2 * wide, _TOLD),
            f"{name}.tell.bias": (2 * wide,),
            f"{name}.second.weight": (wide, wide, 3, 3),
            f"{name}.second.bias": (wide,),
        }
        if read != wide:
            made[f"{name}.past.weight"] = (wide, read, 1, 1)
            made[f"{name}.past.bias"] = (wide,)
    return made


def begun(dice: Any) -> dict[str, Array]:
    """A net that has learnt nothing: its parts drawn, small, or 0."""
    import numpy as np

    made: dict[str, Array] = {}
    for name, shape in shapes().items():
        part = np.zeros(shape, np.float32)
        if name in ("digit", "motion"):
            part = dice.normal(size=shape)
        elif name.endswith("weight") and ".second." not in name:
            part = dice.uniform(-1, 1, size=shape) / math.sqrt(math.prod(shape[1:]))
        made[name] = part.astype(np.float32)
    return made


def believes(
    w: Mapping[str, Any], ops: Ops, x: Any, levels: Any, told: tuple[Any, Any], fixed: Any
) -> Any:
    """What the net takes the clean frames to be.

    Args:
        w: its parts, as in `shapes`.
        x: noisy frames, (n, 8, 20, 20), from -1 (black) to 1.
        levels: how much of each is noise, (n, 8), from 0 to 1.
        told: the numbers of digit and motion, (n,) each.
        fixed: what never changes; see `places`.
    """
    grid, tables = fixed
    n, (digit, motion) = len(x), told
    clear = 1 - levels
    seen = ops.joined(
        [*(ops.cos(levels * (math.pi * k)) for k in _WAVES), levels, ops.log(levels + 0.03)]
    )
    c = seen @ w["level.weight"].T + w["digit"][digit] + w["motion"][motion]
    c = c + (_middles(x, grid) * clear[:, :, None]).reshape(n, -1) @ w["ink.weight"].T
    c = ops.soft(ops.soft(c) @ w["told.weight"].T + w["told.bias"])
    c = ops.soft(c @ w["again.weight"].T + w["again.bias"])
    moved = _moved(w, ops, x, c, tables)
    maps = levels[:, :, None, None] + 0 * grid[:, :1]
    a = ops.conv(ops.joined([x, moved, maps, grid]), w["in.weight"], w["in.bias"])
    a = _block(w, ops, "down", a, c)
    b = _block(w, ops, "low2", _block(w, ops, "low1", ops.halved(a), c), c)
    a = _block(w, ops, "up", ops.joined([ops.doubled(b), a]), c)
    said = ops.conv(ops.soft(a), w["out.weight"], w["out.bias"])
    share = levels[:, :, None, None]
    return said + (1 - share) * x + share * moved


def _middles(x: Any, grid: Any) -> Any:
    """Where the bright points of each frame have their middle, (n, 8, 2), from -1 to 1."""
    ink = (x + 1) * (x > 0)
    whole = ink.sum(-1).sum(-1)[:, :, None] + 1.0
    return (ink[:, :, None] * grid[:, None]).sum(-1).sum(-1) / whole


def _moved(w: Mapping[str, Any], ops: Ops, x: Any, c: Any, tables: Any) -> Any:
    """Each frame as the others have it, shifted to where it should be: (n, 8, 20, 20)."""
    n = len(x)
    said = (c @ w["shift.weight"].T + w["shift.bias"]).reshape(n, 2, FRAMES, FRAMES, -1)
    shifts = (ops.chances(said) @ tables).reshape(n, 2, FRAMES, FRAMES, SIDE, SIDE)
    source = ops.chances((c @ w["source.weight"].T + w["source.bias"]).reshape(n, FRAMES, FRAMES))
    ink = (x[:, None] + 1) * source[:, :, :, None, None]
    return (shifts[:, 0] @ ink @ shifts[:, 1]).sum(2) - 1


def _block(w: Mapping[str, Any], ops: Ops, name: str, x: Any, c: Any) -> Any:
    """Two convolutions, told in between what is wanted, added to what came in."""
    h = ops.conv(ops.soft(ops.even(x)), w[f"{name}.first.weight"], w[f"{name}.first.bias"])
    said = (c @ w[f"{name}.tell.weight"].T + w[f"{name}.tell.bias"])[:, :, None, None]
    wide = said.shape[1] // 2
    h = ops.even(h) * (1 + said[:, :wide]) + said[:, wide:]
    h = ops.conv(ops.soft(h), w[f"{name}.second.weight"], w[f"{name}.second.bias"])
    past = w.get(f"{name}.past.weight")
    return h + (x if past is None else ops.conv(x, past, w[f"{name}.past.bias"]))


def places(n: int) -> tuple[Array, Array]:
    """What never changes: where each point is, (n, 2, 20, 20), and what a shift does to a line.

    A row of the second, (17, 400), is a matrix that shifts down by so many points where it stands
    before a frame; behind one, it shifts to the left, and the other way round.
    """
    import numpy as np

    line = np.linspace(-1, 1, SIDE, dtype=np.float32)
    down, right = np.meshgrid(line, line, indexing="ij")
    grid = np.broadcast_to(np.stack([right, down]), (n, 2, SIDE, SIDE))
    tables = np.stack([np.eye(SIDE, k=far, dtype=np.float32) for far in range(-_FAR, _FAR + 1)])
    return grid, tables.reshape(2 * _FAR + 1, SIDE * SIDE)


class Plain:
    """The layers in NumPy."""

    def conv(self, x: Array, filters: Array, bias: Array) -> Array:
        """As one product of matrices for each clip."""
        import numpy as np

        n, _, side, _ = x.shape
        size = filters.shape[-1]
        if size == 3:
            x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
            x = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
            x = x.transpose(0, 1, 4, 5, 2, 3)
        columns = np.ascontiguousarray(x).reshape(n, -1, side * side)
        made = filters.reshape(len(filters), -1) @ columns + bias[:, None]
        return made.reshape(n, len(filters), side, side)

    def even(self, x: Array) -> Array:
        """Over all points of all channels."""
        import numpy as np

        x = x - x.mean(axis=(1, 2, 3), keepdims=True)
        return x / np.sqrt((x * x).mean(axis=(1, 2, 3), keepdims=True) + 1e-5)

    def soft(self, x: Array) -> Array:
        """By tanh, which does not overflow."""
        import numpy as np

        return x * (0.5 + 0.5 * np.tanh(0.5 * x))

    def joined(self, parts: Sequence[Array], axis: int = 1) -> Array:
        """One after the other."""
        import numpy as np

        return np.concatenate(list(parts), axis=axis)

    def chances(self, x: Array) -> Array:
        """By exp, of what is not above 0."""
        import numpy as np

        high = np.exp(x - x.max(axis=-1, keepdims=True))
        return high / high.sum(axis=-1, keepdims=True)

    def halved(self, x: Array) -> Array:
        """Means of two by two."""
        n, channels, side, _ = x.shape
        return x.reshape(n, channels, side // 2, 2, side // 2, 2).mean(axis=(3, 5))

    def doubled(self, x: Array) -> Array:
        """Each point four times."""
        return x.repeat(2, axis=2).repeat(2, axis=3)

    def cos(self, x: Array) -> Array:
        """Of each number."""
        import numpy as np

        return np.cos(x)

    def log(self, x: Array) -> Array:
        """Of each number."""
        import numpy as np

        return np.log(x)
