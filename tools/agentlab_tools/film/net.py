"""The net that makes clips: a small U-Net that sees eight frames at once, in patches of 2 by 2.

It is told how much noise is in each frame, and what is to be seen, and says what it believes the
clean frames to be. A patch is all that is at one place in all frames, so each frame is drawn with a
view to all others; and a convolution sees what moved by a few points, whichever way.

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
DIGITS, MOTIONS = 10, 8
NOBODY, ANYHOW = DIGITS, MOTIONS
"""What is told where the prompt says nothing of the digit, or of the motion."""
_WIDE, _LOW = 72, 104
_TOLD = 96
"""Numbers that the prompt and the levels of noise become."""
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

    def patches(self, x: Any) -> Any:
        """Each 2 by 2 points of a channel as four channels."""
        ...

    def points(self, x: Any) -> Any:
        """The other way round."""
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
        "told.weight": (_TOLD, _TOLD),
        "told.bias": (_TOLD,),
        "in.weight": (_WIDE, 4 * FRAMES + FRAMES + 2, 3, 3),
        "in.bias": (_WIDE,),
        "out.weight": (4 * FRAMES, _WIDE, 3, 3),
        "out.bias": (4 * FRAMES,),
    }
    blocks = {
        "down1": (_WIDE, _WIDE),
        "down2": (_WIDE, _WIDE),
        "low1": (_WIDE, _LOW),
        "low2": (_LOW, _LOW),
        "up1": (_LOW + _WIDE, _WIDE),
        "up2": (_WIDE, _WIDE),
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
    w: Mapping[str, Any], ops: Ops, x: Any, levels: Any, told: tuple[Any, Any], grid: Any
) -> Any:
    """What the net takes the clean frames to be.

    Args:
        w: its parts, as in `shapes`.
        x: noisy frames, (n, 8, 20, 20), from -1 (black) to 1.
        levels: how much of each is noise, (n, 8), from 0 to 1.
        told: the numbers of digit and motion, (n,) each.
        grid: where each patch is; see `places`.
    """
    digit, motion = told
    seen = ops.joined(
        [*(ops.cos(levels * (math.pi * k)) for k in _WAVES), levels, ops.log(levels + 0.03)]
    )
    c = seen @ w["level.weight"].T + w["digit"][digit] + w["motion"][motion]
    c = ops.soft(ops.soft(c) @ w["told.weight"].T + w["told.bias"])
    maps = levels[:, :, None, None] + 0 * grid[:, :1]
    a = ops.conv(ops.joined([ops.patches(x), maps, grid]), w["in.weight"], w["in.bias"])
    a = _block(w, ops, "down2", _block(w, ops, "down1", a, c), c)
    b = _block(w, ops, "low2", _block(w, ops, "low1", ops.halved(a), c), c)
    a = _block(w, ops, "up1", ops.joined([ops.doubled(b), a]), c)
    a = _block(w, ops, "up2", a, c)
    said = ops.points(ops.conv(ops.soft(a), w["out.weight"], w["out.bias"]))
    return said + x * (1 - levels[:, :, None, None])


def _block(w: Mapping[str, Any], ops: Ops, name: str, x: Any, c: Any) -> Any:
    """Two convolutions, told in between what is wanted, added to what came in."""
    h = ops.conv(
        ops.soft(ops.even(x)), w[f"{name}.first.weight"], w[f"{name}.first.bias"]
    )
    said = (c @ w[f"{name}.tell.weight"].T + w[f"{name}.tell.bias"])[:, :, None, None]
    wide = said.shape[1] // 2
    h = ops.even(h) * (1 + said[:, :wide]) + said[:, wide:]
    h = ops.conv(ops.soft(h), w[f"{name}.second.weight"], w[f"{name}.second.bias"])
    past = w.get(f"{name}.past.weight")
    return h + (x if past is None else ops.conv(x, past, w[f"{name}.past.bias"]))


def places(n: int) -> Array:
    """Where each patch is, from -1 to 1: (n, 2, 10, 10)."""
    import numpy as np

    line = np.linspace(-1, 1, SIDE // 2, dtype=np.float32)
    two = np.stack(np.meshgrid(line, line, indexing="ij"))
    return np.broadcast_to(two, (n, *two.shape))


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

    def patches(self, x: Array) -> Array:
        """Each 2 by 2 points of a channel as four channels."""
        n, channels, side, _ = x.shape
        x = x.reshape(n, channels, side // 2, 2, side // 2, 2)
        return x.transpose(0, 1, 3, 5, 2, 4).reshape(n, 4 * channels, side // 2, side // 2)

    def points(self, x: Array) -> Array:
        """The other way round."""
        n, channels, side, _ = x.shape
        x = x.reshape(n, channels // 4, 2, 2, side, side).transpose(0, 1, 4, 2, 5, 3)
        return x.reshape(n, channels // 4, 2 * side, 2 * side)

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
