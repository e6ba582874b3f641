"""What an answer is tried on: a seed, of which the lab's tools draw sounds and sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
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
RATES = ((48_000, 16_000), (44_100, 16_000), (22_050, 16_000), (8_000, 16_000))
HIGH = 48_000
WHISTLES = (12_500.0, 15_700.0)
"""Hertz; at 16,000 samples a second they fold to 300 to 3,500."""
LOUDER = 3.0
"""How much louder these whistles are than what is said."""
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


@lru_cache(maxsize=64)
def said(text: str) -> Array:
    """A sentence said by the packaged voice, with a little silence around, nowhere above 0.8.

    It is kept, since the answers of a proof are tried on the same, and can't be written to.
    """
    import numpy as np

    x = spectra.resampled(voice.said(text, SPEED), voice.RATE, spectra.RATE)
    x = np.pad(x, round(_QUIET * spectra.RATE))
    x *= 0.8 / np.abs(x).max()
    x.flags.writeable = False
    return x


def bursts(seed: int) -> list[tuple[str, int, int, Array, Array]]:
    """(name, rate, other rate, samples at the one, samples at the other), a tone each.

    What is too high for the other rate is nothing there.
    """
    import numpy as np

    dice = np.random.default_rng(seed)
    made: list[tuple[str, int, int, Array, Array]] = []
    for rate, to in RATES:
        half = min(rate, to) / 2
        tones = [dice.uniform(0.02, 0.3), dice.uniform(0.6, 0.85)]
        tones += [dice.uniform(1.15, min(2.9, rate / to))] if rate > 1.2 * to else []
        for share in tones:
            turn, hertz = dice.random(), share * half

            def tone(rate: int, turn: float = turn, hertz: float = hertz) -> Array:
                at = np.arange(rate // 4) / rate
                return 0.5 * np.sin(np.pi * 4 * at) ** 2 * np.sin(2 * np.pi * (hertz * at + turn))

            name = f"{hertz:.0f} hertz, from {rate} to {to}"
            made.append((name, rate, to, tone(rate), tone(to) * (share < 1)))
    return made


@lru_cache(maxsize=4)
def whistled(seed: int, count: int) -> tuple[tuple[str, Array], ...]:
    """Sentences at 48,000 samples a second, under whistles too high for most people to hear."""
    import numpy as np

    rng = Random(seed)  # noqa: S311 - the seed is the point
    made: list[tuple[str, Array]] = []
    for text, x in spoken(rng, count):
        up = spectra.resampled(x, spectra.RATE, HIGH)
        at = np.arange(len(up)) / HIGH
        tones = [np.sin(2 * np.pi * (rng.uniform(*WHISTLES) * at + rng.random())) for _ in range(5)]
        loud = LOUDER * np.std(up) / np.std(np.sum(tones, axis=0))
        noisy = up + loud * np.sum(tones, axis=0)
        made.append((text, 0.8 * noisy / np.abs(noisy).max()))
        made[-1][1].flags.writeable = False
    return tuple(made)


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
