"""Emoji: 1,217 things, each drawn by two makers, with names and other words. See NOTICE.

A picture is 32 by 32 points on white. What an image model sees of it is kept beside it, and
`Encoder` sees the same in any picture of your own; names and words are kept as MiniLM's vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.errors import MissingExtra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SIDE = 32
MAKERS = ("google", "twitter")
PICTURE, TEXT = 192, 384
"""How many numbers a picture has, and a text."""
_HERE = Path(__file__).parent
_BATCH = 8


@dataclass(frozen=True)
class Emoji:
    """All of them, thing by thing.

    Attributes:
        names: (n,), as text.
        words: other words for each, a list a thing.
        kinds: Unicode's, such as "food-fruit", (n,).
        pictures: shades from 0 to 255, (2 makers, n, 32, 32, 3), uint8.
        features: what the image model sees of them, (2, n, 192), float32.
        of_names: MiniLM's vectors of the names, of length 1, (n, 384), float32.
        of_words: those of the other words in one line, (n, 384), float32.
    """

    names: Array
    words: list[list[str]]
    kinds: Array
    pictures: Array
    features: Array
    of_names: Array
    of_words: Array


@cache
def emoji() -> Emoji:
    """Read them, once."""
    import numpy as np

    with np.load(_HERE / "emoji.npz") as kept:
        planes, colours = kept["planes"], kept["colours"]
        pictures = colours[np.arange(len(planes))[:, None, None], planes]
        rows = {
            name: kept[name] * kept[f"{name}_scale"]
            for name in ("features", "of_names", "of_words")
        }
        names = kept["names"]
        return Emoji(
            names=names,
            words=[line.split(", ") if line else [] for line in kept["words"].tolist()],
            kinds=kept["kinds"],
            pictures=pictures.reshape(len(MAKERS), len(names), SIDE, SIDE, 3),
            features=rows["features"].reshape(len(MAKERS), len(names), PICTURE),
            of_names=_unit(rows["of_names"]),
            of_words=_unit(rows["of_words"]),
        )


def _unit(rows: Array) -> Array:
    import numpy as np

    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Encoder:
    """What of EfficientNet-Lite0 sees, by onnxruntime on one thread: 1.7 ms a picture here.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(self) -> None:
        try:
            runtime: Any = import_module("onnxruntime")
        except ModuleNotFoundError as error:
            raise MissingExtra(f"{error.name}, which sees pictures,", "knowledge") from error
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(
            str(_HERE / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def features(self, pictures: Array) -> Array:
        """What it sees of (n, h, w, 3), shades from 0 to 255: (n, 192). Sides are 32 or more."""
        import numpy as np

        parts = [
            self._session.run(None, {"pictures": pictures[at : at + _BATCH]})[0]
            for at in range(0, len(pictures), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.empty((0, PICTURE), np.float32)
