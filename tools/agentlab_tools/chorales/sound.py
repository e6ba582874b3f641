"""Voices made audible: a few decaying harmonics a note, as of a plucked string in a small organ."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from agentlab_tools.chorales.values import Note, struck

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

RATE = 22_050
"""Samples a second."""
LONGEST = 12.0
"""Seconds that are heard; what is longer fades out."""
_SIXTEENTH = 0.15
"""Seconds, at 100 quarters a minute."""
_HARMONICS = 8
_ATTACK, _RELEASE, _FADE = 0.012, 0.09, 0.6
"""Seconds in which a note begins and ends, and a piece that is cut."""
_RING = 1.6
"""Seconds in which the lowest harmonic falls to 1/e; the n-th takes an n-th of the root of that."""
_PEAK = 0.85
"""Of full scale, at the loudest place."""


def wav(voices: Sequence[Sequence[Note]], sixteenth: float = _SIXTEENTH) -> bytes:
    """A WAV file, one channel of 16 bits, no longer than LONGEST.

    Args:
        sixteenth: how many seconds one lasts.
    """
    import numpy as np

    samples = np.round(_PEAK * 32767 * heard(voices, sixteenth)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples.tobytes())
    return file.getvalue()


def heard(voices: Sequence[Sequence[Note]], sixteenth: float = _SIXTEENTH) -> Array:
    """Samples between -1 and 1, of which one is reached; all 0 where nothing sounds."""
    import numpy as np

    length = max((sum(length for _, length in voice) for voice in voices), default=0)
    seconds = min(length * sixteenth + _RELEASE, LONGEST)
    made = np.zeros(max(1, round(seconds * RATE)))
    for voice in voices:
        for at, pitch, lasts in struck(tuple(voice)):
            start = round(at * sixteenth * RATE)
            if start < len(made):
                one = _note(pitch, lasts * sixteenth)[: len(made) - start]
                made[start : start + len(one)] += one
    if length * sixteenth > LONGEST:
        fade = round(_FADE * RATE)
        made[-fade:] *= np.linspace(1, 0, fade) ** 2
    most = float(np.abs(made).max())
    return made / most if most else made


def _note(pitch: int, seconds: float) -> Array:
    import numpy as np

    time = np.arange(round((seconds + _RELEASE) * RATE)) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    one = np.zeros(len(time))
    for n in range(1, _HARMONICS + 1):
        if n * frequency < 0.45 * RATE:
            ring = np.exp(-time * n**0.5 / _RING)
            one += ring * np.sin(2 * np.pi * n * frequency * time) / n**1.6
    begins = np.minimum(1, time / _ATTACK)
    ends = np.clip((seconds + _RELEASE - time) / _RELEASE, 0, 1)
    return one * begins * ends**2
