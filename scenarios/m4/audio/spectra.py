"""Sound as numbers: other rates, spectra, mel bands, and sound of spectra. The lab's own way."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

RATE = 16_000
"""Samples a second that the recogniser expects."""
SIZE, HOP, BANDS = 400, 160, 80
"""Samples of a frame, samples from one to the next, and mel bands of each."""
_REACH = 48
"""Zero crossings of a sinc to each side."""
_BEND, _LOG = 1000.0, 27 / 1.8562979903656263
"""Hertz from which the mel scale is logarithmic, and its steps per factor e (27 for 6.4)."""


def resampled(x: Array, rate: int, to: int) -> Array:
    """The same sound at another rate, with what is too high for it taken out."""
    import numpy as np

    whole = Fraction(to, rate)
    up, down = whole.numerator, whole.denominator
    cut = 0.96 * min(1, up / down)
    reach = int(np.ceil(_REACH / cut))
    steps = np.arange(-reach, reach + 1)
    n = int(np.ceil(len(x) * up / down))
    padded = np.pad(x, (reach, reach + 1))
    made = np.empty(n)
    for phase in range(min(up, n)):
        places = np.arange(phase, n, up)
        starts, rest = np.divmod(places * down, up)
        off = rest[0] / up - steps
        window = np.i0(9 * np.sqrt(np.clip(1 - (off / (reach + 1)) ** 2, 0, 1))) / np.i0(9)
        taps = cut * np.sinc(cut * off) * window
        rows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[starts]
        made[places] = rows @ taps
    return made


@cache
def window() -> Array:
    """A Hann window of SIZE samples, of a period as long: the last is not 0."""
    import numpy as np

    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)


def spectrum(x: Array) -> Array:
    """Complex (frames, SIZE // 2 + 1), a frame each HOP samples, centred there."""
    import numpy as np

    around = np.pad(x, SIZE // 2, mode="reflect" if len(x) > SIZE // 2 else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(around, SIZE)[::HOP][: len(x) // HOP]
    return np.fft.rfft(frames * window())


def sound(frames: Array) -> Array:
    """The samples whose spectrum is nearest to these frames (Griffin and Lim, 1984)."""
    import numpy as np

    pieces = np.fft.irfft(frames, SIZE) * window()
    made, weight = np.zeros((2, len(pieces) * HOP + SIZE))
    for n, piece in enumerate(pieces):
        made[n * HOP : n * HOP + SIZE] += piece
        weight[n * HOP : n * HOP + SIZE] += window() ** 2
    made /= np.maximum(weight, 1e-3)
    return made[SIZE // 2 : SIZE // 2 + len(pieces) * HOP]


def mels(hertz: Any) -> Any:
    """The mel scale of Slaney's toolbox (1998): even to 1000 Hz, then logarithmic."""
    import numpy as np

    at: Array = np.asarray(hertz, float)
    return np.where(at < _BEND, at * 3 / 200, 15 + _LOG * np.log(np.maximum(at, _BEND) / _BEND))


def hertz(mel: Any) -> Any:
    """The other way round."""
    import numpy as np

    at: Array = np.asarray(mel, float)
    return np.where(at < 15, at * 200 / 3, _BEND * np.exp((at - 15) / _LOG))


@cache
def bank() -> Array:
    """(BANDS, SIZE // 2 + 1): triangles between points even in mels, of one area each."""
    import numpy as np

    found = np.arange(SIZE // 2 + 1) * RATE / SIZE
    points = hertz(np.linspace(0, mels(RATE / 2), BANDS + 2))[:, None]
    low, top, high = points[:-2], points[1:-1], points[2:]
    rise, fall = (found - low) / (top - low), (high - found) / (high - top)
    return np.clip(np.minimum(rise, fall), 0, None) * 2 / (high - low)


def logmel(x: Array) -> Array:
    """(BANDS, frames) as the recogniser expects them, between about -1 and 1.5."""
    import numpy as np

    power = np.abs(spectrum(x)) ** 2 @ bank().T
    found = np.log10(np.maximum(power.T, 1e-10))
    return (np.maximum(found, found.max() - 8) + 4) / 4


def vocoded(mel: Array, rounds: int = 60) -> Array:
    """Samples with these bands: Griffin and Lim with a step beyond (Perraudin and others, 2013)."""
    import numpy as np

    loud = np.sqrt(np.clip(np.linalg.pinv(bank()) @ 10 ** (4 * mel - 4), 0, None)).T
    goal = loud * np.exp(2j * np.pi * np.random.default_rng(0).random(loud.shape))
    before = np.zeros_like(goal)
    for _ in range(rounds):
        now = spectrum(sound(goal))
        goal = loud * np.exp(1j * np.angle(now + 0.99 * (now - before)))
        before = now
    return sound(goal)
