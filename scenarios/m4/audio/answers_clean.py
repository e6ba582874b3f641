"""Answers to `clean`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEAD = """\
import numpy as np

from ears import WINDOW, spectrum


def back(frames):
    made, weight = np.zeros((2, 160 * len(frames) + 400))
    for n, piece in enumerate(np.fft.irfft(frames) * WINDOW):
        made[160 * n : 160 * n + 400] += piece
        weight[160 * n : 160 * n + 400] += WINDOW**2
    return (made / np.maximum(weight, 1e-3))[200:-200]


"""
_NOISE = """\
    frames = spectrum(x)
    power = np.abs(frames) ** 2
    noise = power[:45].mean(axis=0) + 1e-12
"""
_END = """\
    made = np.zeros(len(x))
    made[: 160 * len(frames)] = back(frames * gain)
    return made
"""


def _clean(gain: str, noise: str = _NOISE, doc: str = "x with less noise", end: str = _END) -> str:
    head = f'def clean(x):\n    """{doc}; its first half second is noise alone."""\n'
    return _HEAD + head + noise + gain + end


_SUBTRACTED = "    gain = np.sqrt(np.maximum(1 - 2 * noise / np.maximum(power, 1e-12), 0.001))\n"

CLEAN = programs(
    starter='''
import numpy as np


def clean(x):
    """x with less noise; its first half second is noise alone."""
    noise = np.abs(x[:8000]).mean()
    return np.where(np.abs(x) > 2 * noise, x, 0)
''',
    solution=_clean(_SUBTRACTED),
    also={
        "magnitude-subtracted": _clean(
            """\
    size = np.abs(frames)
    left = size - 1.5 * size[:45].mean(axis=0)
    gain = np.maximum(left, 0.02 * size) / np.maximum(size, 1e-12)
"""
        ),
        "all-or-nothing": _clean(
            """\
    gain = np.where(power > 4 * noise, 1.0, 0.03)
    gain = (np.roll(gain, 1, axis=0) + gain + np.roll(gain, -1, axis=0)) / 3
"""
        ),
        "each-frame-for-itself": _clean(
            """\
    louder = np.maximum(power / (1.5 * noise) - 1, 0)
    gain = np.maximum(louder / (1 + louder), 0.03)
"""
        ),
    },
    wrong={
        "low-tones-only": _clean("    gain = (np.arange(201) * 40 < 1000) * np.ones_like(power)\n"),
        "noise-of-the-whole": _clean(_SUBTRACTED, _NOISE.replace("[:45]", "")),
        "means-of-what-turns": _clean(
            _SUBTRACTED,
            _NOISE.replace("power[:45].mean(axis=0)", "np.abs(frames[:45].mean(axis=0)) ** 2"),
        ),
        "frames-muted": _clean(
            """\
    loud = power.sum(axis=1) > 1.5 * noise.sum()
    gain = np.where(loud, 1.0, 0.02)[:, None]
"""
        ),
        "phases-lost": _clean(
            _SUBTRACTED, end=_END.replace("frames * gain", "np.abs(frames) * gain")
        ),
        "far-too-much": _clean(_SUBTRACTED.replace("2 * noise", "300 * noise")),
    },
    mistakes={
        "low-tones-only": "decibels over",
        "noise-of-the-whole": "decibels over",
        "means-of-what-turns": "decibels over",
        "frames-muted": "error rate",
        "phases-lost": "decibels over",
        "far-too-much": "decibels over",
    },
)
