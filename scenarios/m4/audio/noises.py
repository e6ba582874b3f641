"""Noise to be laid over speech, so loud as is asked for, and what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from . import spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

LEAD = 8000
"""Samples before and after what is said, in which there is nothing but noise."""
_HEARD = 0.02
"""Of the largest sample; what is softer is no speech, when its power is measured."""


def whistles(count: int, dice: Any) -> Array:
    """Five steady tones."""
    import numpy as np

    time = np.arange(count) / spectra.RATE
    tones = [np.sin(2 * np.pi * (f * time + dice.random())) for f in dice.uniform(300, 3500, 5)]
    return np.sum(tones, axis=0)


def hum(count: int, dice: Any) -> Array:
    """A motor's tone with 29 overtones."""
    import numpy as np

    time = np.arange(count) / spectra.RATE
    low = dice.uniform(90, 160)
    return np.sum(
        [np.sin(2 * np.pi * (n * low * time + dice.random())) / n**0.5 for n in range(1, 31)],
        axis=0,
    )


def hiss(count: int, dice: Any) -> Array:
    """As loud at all frequencies."""
    return dice.normal(size=count)


KINDS: dict[str, Callable[[int, Any], Array]] = {"whistles": whistles, "hum": hum, "hiss": hiss}


def over(x: Array, kind: str, decibels: float, dice: Any) -> tuple[Array, Array]:
    """(Speech with noise, the same speech without), with noise alone before and after.

    Args:
        decibels: how much louder the speech is than the noise, while it sounds.
    """
    import numpy as np

    loud = np.abs(x) > _HEARD * np.abs(x).max()
    clean = np.pad(x, LEAD)
    noise = KINDS[kind](len(clean), dice)
    noise *= np.sqrt(np.mean(x[loud] ** 2) / np.mean(noise**2) / 10 ** (decibels / 10))
    scale = 0.8 / np.abs(clean + noise).max()
    return scale * (clean + noise), scale * clean


def ratio(clean: Array, made: Array) -> float:
    """Decibels by which speech is louder than all in which a sound differs from it."""
    import numpy as np

    off = np.sum((made - clean) ** 2)
    return float(10 * np.log10(np.sum(clean**2) / np.maximum(off, 1e-12)))
