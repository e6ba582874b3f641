"""What an answer is tried on: a seed, of which the lab's tools draw sounds and sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab.labs import Case

from . import spectra, voice
from .sentences import sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SPEED = 0.9
"""How fast the voice speaks, of its usual pace."""
_QUIET = 0.25
"""Seconds of silence before and after what is said."""


def seeds(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    """Cases that are a seed each."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=title) for one in told]

    return drawn


def spoken(rng: Random, count: int) -> list[tuple[str, Array]]:
    """Sentences, and samples at 16,000 a second in which they are said."""
    return [(text, said(text)) for text in sentences(rng, count)]


def said(text: str) -> Array:
    """A sentence said by the packaged voice, with a little silence around, nowhere above 0.8."""
    import numpy as np

    x = spectra.resampled(voice.said(text, SPEED), voice.RATE, spectra.RATE)
    x = np.pad(x, round(_QUIET * spectra.RATE))
    return 0.8 * x / np.abs(x).max()


def sounds(seed: int) -> dict[str, Array]:
    """Sounds with which a spectrogram is tried, each for one mistake."""
    import numpy as np

    dice = np.random.default_rng(seed)
    time = np.arange(spectra.RATE) / spectra.RATE

    def tone(hertz: float, seconds: float = 1.0) -> Array:
        at = np.arange(round(seconds * spectra.RATE)) / spectra.RATE
        return np.sin(2 * np.pi * (hertz * at + dice.random()))

    low, high = dice.uniform(200, 900), dice.uniform(2500, 7000)
    clicks = np.zeros(spectra.RATE)
    clicks[dice.integers(0, len(clicks), 6)] = 0.9
    late = np.zeros(20_000)
    late[12_000:] = 0.5 * tone(dice.uniform(500, 2000), 0.5)
    return {
        "a low tone": 0.5 * tone(low),
        "a high tone": 0.5 * tone(high),
        "a loud tone over a soft one": 0.7 * tone(low) + 0.002 * tone(high),
        "hiss": 0.1 * dice.normal(size=spectra.RATE),
        "a tone that rises": 0.5 * np.sin(2 * np.pi * (300 + 3000 * time) * time),
        "clicks": clicks,
        "silence, then a tone": late,
        "less than a frame and a half": 0.3 * dice.normal(size=560),
    }
