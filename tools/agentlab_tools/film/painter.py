"""Clips drawn by the net: noise is taken out of frames, in an order that a plan gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.film import net

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Order: TypeAlias = tuple[int, Sequence[float], Sequence[float]]
"""The first of eight frames that the net is shown; the levels that it is told; the levels that
they have afterwards."""


class Painter:
    """The net, with the weights of a file, in NumPy."""

    def __init__(self, file: Path | Mapping[str, Array]) -> None:
        import numpy as np

        if isinstance(file, Path):
            with np.load(file) as kept:
                file = {name: kept[name] for name in kept.files}
        self._w = {name: part.astype(np.float32) for name, part in file.items()}
        self._ops = net.Plain()

    def believes(self, x: Array, levels: Array, digit: Array, motion: Array) -> Array:
        """What it takes the clean frames to be, (n, 8, 20, 20), from -1 (black) to 1."""
        import numpy as np

        x, levels = np.asarray(x, np.float32), np.asarray(levels, np.float32)
        return net.believes(self._w, self._ops, x, levels, (digit, motion), net.places(len(x)))

    def draws(
        self, x: Array, levels: Array, plan: Sequence[Order], digit: Array, motion: Array
    ) -> Array:
        """Films, with all orders of a plan carried out, (n, frames, 20, 20).

        Args:
            x: the same with noise where nothing is known.
            levels: how much of each frame is noise, (frames,).
        """
        import numpy as np

        x, levels = np.array(x, np.float32), np.array(levels, np.float32)
        for order in plan:
            self.obeys(x, levels, order, digit, motion)
        return x

    def obeys(self, x: Array, levels: Array, order: Order, digit: Array, motion: Array) -> None:
        """Carry out one order, on films and levels in place."""
        import numpy as np

        first, told, after = order
        said = np.broadcast_to(np.asarray(told, np.float32), (len(x), net.FRAMES))
        clean = self.believes(x[:, first : first + net.FRAMES], said, digit, motion)
        for n, level in enumerate(after):
            at, now = first + n, levels[first + n]
            if level < now:
                x[:, at] = clean[:, n] + level / now * (x[:, at] - clean[:, n])
                levels[at] = level


def together(given: int, moments: int) -> list[Order]:
    """The plan of a clip whose frames are drawn all at once, after so many that are given."""
    rows = [[0.0] * given + [1 - n / moments] * (net.FRAMES - given) for n in range(moments + 1)]
    return [(0, now, then) for now, then in pairwise(rows)]
