"""A picture as few numbers, and back: along the axes in which pictures differ most.

What a diffusion works on need not be points (latent diffusion: Rombach and colleagues, 2022). Here
the numbers are the oldest there are, principal components (Pearson, 1901).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Latents:
    """How pictures of one kind become numbers.

    Attributes:
        side: points of a picture, in height and in width; a number.
        middle: the mean picture, (3 * side * side,).
        axes: whole numbers of eight bits, (numbers, 3 * side * side).
        scale: of each axis, so that `axes * scale` has rows of length 1, (numbers, 1).
        spread: how far pictures lie apart along each axis; numbers are divided by it.
    """

    side: Any
    middle: Array
    axes: Array
    scale: Array
    spread: Array

    @classmethod
    def of(cls, pictures: Array, count: int, *, evened: float = 0.5) -> Latents:
        """The `count` axes in which these pictures (n, 3, side, side) differ most.

        Args:
            evened: 0 leaves the numbers as far apart as the pictures are along each axis, 1 makes
                all alike.
        """
        import numpy as np

        rows = pictures.reshape(len(pictures), -1).astype(np.float64)
        middle = rows.mean(axis=0)
        gap = rows - middle
        if len(rows) < gap.shape[1]:
            sizes, ways = np.linalg.eigh(gap @ gap.T)
            axes = gap.T @ ways[:, : -count - 1 : -1]
        else:
            sizes, ways = np.linalg.eigh(gap.T @ gap)
            axes = ways[:, : -count - 1 : -1]
        axes = (axes / np.linalg.norm(axes, axis=0)).T
        scale = np.abs(axes).max(axis=1, keepdims=True) / 127
        whole = (axes / scale).round().astype(np.int8)
        apart = np.sqrt(np.maximum(sizes[: -count - 1 : -1], 0) / len(rows))
        usual = np.sqrt((apart**2).mean())
        apart = np.maximum(apart, 1e-3 * usual)  # nothing differs where all pictures are white
        spread = apart**evened * usual ** (1 - evened)
        spread *= np.sqrt(((apart / spread) ** 2).mean())
        return cls(
            pictures.shape[-1],
            middle.astype(np.float32),
            whole,
            scale.astype(np.float32),
            spread.astype(np.float32),
        )

    @property
    def count(self) -> int:
        """Numbers of a picture."""
        return len(self.axes)

    def encode(self, pictures: Array) -> Array:
        """Numbers (n, count), about as far apart as noise is, of pictures."""
        gap = pictures.reshape(len(pictures), -1) - self.middle
        return gap @ (self.axes * self.scale).T / self.spread

    def decode(self, numbers: Array) -> Array:
        """Pictures (n, 3, side, side), shades from -1 to 1."""
        made = (numbers * self.spread) @ (self.axes * self.scale) + self.middle
        return made.clip(-1, 1).reshape(len(numbers), 3, int(self.side), int(self.side))

    def save(self, path: Path) -> None:
        """Write them."""
        import numpy as np

        with path.open("wb") as file:
            np.savez_compressed(file, **self.arrays())

    @classmethod
    def load(cls, path: Path) -> Latents:
        """What `save` wrote."""
        import numpy as np

        with np.load(path, allow_pickle=False) as kept:
            return cls(**{name: kept[name] for name in kept.files})

    def arrays(self) -> dict[str, Any]:
        """As they are kept in a file."""
        import numpy as np

        return {one.name: np.asarray(getattr(self, one.name)) for one in fields(self)}
