"""What is in a picture, by those who had no part in its making.

A digit is read by the net in `agentlab_tools.digits.judge`, which learnt from other digits, in
grey; its colour is that of the nearest ink. An emoji is looked at by EfficientNet, and named by the
nearest of those that are learnt.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.diffusion.captions import COLOURS, chosen
from agentlab_tools.digits import judge
from agentlab_tools.emoji import Encoder, emoji

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]


def shades(pictures: Array) -> tuple[Array, Array]:
    """Of tinted digits (n, 3, 14, 14): how much ink is where, (n, 196); what it takes, (n, 3)."""
    import numpy as np

    taken = ((1 - np.asarray(pictures, float)) / 2).reshape(len(pictures), 3, -1).clip(0, 1)
    weight = taken.sum(axis=1, keepdims=True) ** 2
    mean = (taken * weight).sum(axis=2) / np.maximum(weight.sum(axis=2), 1e-6)
    ink = mean / np.maximum(mean.max(axis=1, keepdims=True), 0.05)
    laid = np.einsum("ncp,nc->np", taken, ink) / np.maximum((ink**2).sum(axis=1), 1e-6)[:, None]
    return (laid * 1.1).clip(0, 1), ink


def digits_read(pictures: Array) -> tuple[Array, Array]:
    """The digit and the colour, by number, that tinted digits (n, 3, 14, 14) show."""
    import numpy as np

    laid, ink = shades(pictures)
    inks = 1 - np.array(list(COLOURS.values())) / 255
    alike = ink @ (inks / np.linalg.norm(inks, axis=1, keepdims=True)).T
    return judge.read(laid).argmax(axis=1), alike.argmax(axis=1)


def emoji_read(pictures: Array) -> Array:
    """For pictures (n, 3, 32, 32), from -1 to 1: how alike each of the emoji that are
    learnt is, (n, names)."""
    seen = _centred(_encoder().features(whole(pictures)))
    return seen @ _known().T


def whole(pictures: Array) -> Array:
    """Shades from 0 to 255, channels last, of pictures (n, 3, side, side) from -1 to 1."""
    import numpy as np

    shown = ((np.asarray(pictures) + 1) * 127.5).round().clip(0, 255)
    return shown.astype(np.uint8).transpose(0, 2, 3, 1)


@cache
def _encoder() -> Encoder:
    return Encoder()


@cache
def _known() -> Array:
    return _centred(emoji().features[:, chosen()].mean(axis=0))


def _centred(features: Array) -> Array:
    """Of length 1, each feature as far from its mean as is usual."""
    import numpy as np

    every = emoji().features.reshape(-1, features.shape[-1])
    rows = (features - every.mean(axis=0)) / (every.std(axis=0) + 1e-6)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
