"""Answers to `wave`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEAD = """\
import numpy as np

from ears import BANK, WINDOW, spectrum


"""
_BACK = '''\
def back(frames):
    """The samples whose spectrum comes nearest to these frames."""
    made, weight = np.zeros((2, 160 * len(frames) + 400))
    for n, piece in enumerate(np.fft.irfft(frames) * WINDOW):
        made[160 * n : 160 * n + 400] += piece
        weight[160 * n : 160 * n + 400] += WINDOW**2
    return (made / np.maximum(weight, 1e-3))[200:-200]


'''
_LOUD = '''\
def loud(mel):
    """(frames, 201): how loud each frequency is."""
    power = 10 ** (4 * mel - 4)
    return np.sqrt(np.maximum(np.linalg.pinv(BANK) @ power, 0)).T


'''
_WAVE = '''\
def wave(mel):
    """160 samples for each frame of mel, as mel(x) made them."""
    size = loud(mel)
    dice = np.random.default_rng(0)
    turned = np.exp(2j * np.pi * dice.random(size.shape))
    for _ in range(120):
        made = spectrum(back(size * turned))
        turned = made / np.maximum(np.abs(made), 1e-12)
    return back(size * turned)
'''
_WHOLE = _HEAD + _BACK + _LOUD + _WAVE
_LOOP = """\
    for _ in range(120):
        made = spectrum(back(size * turned))
        turned = made / np.maximum(np.abs(made), 1e-12)
"""


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


_FAST = '''\
def wave(mel):
    """With a step beyond what was found, as Perraudin and colleagues take it (2013)."""
    size = loud(mel)
    goal, before = size.astype(complex), 0
    for _ in range(50):
        made = spectrum(back(goal))
        beyond = made + 0.99 * (made - before)
        before = made
        goal = size * np.exp(1j * np.angle(beyond))
    return back(goal)
'''
_FITTED = '''\
def loud(mel):
    """By multiplying, so that nothing falls below 0 (Lee and Seung, 1999)."""
    power = 10 ** (4 * mel - 4)
    found = BANK.T @ power + 1e-12
    for _ in range(80):
        found *= (BANK.T @ power) / (BANK.T @ (BANK @ found) + 1e-15)
    return np.sqrt(found).T


'''
_AT_ONCE = """\
PLACES = np.arange(400)


def back(frames):
    pieces = np.fft.irfft(frames, 400) * WINDOW
    at = (160 * np.arange(len(frames))[:, None] + PLACES).ravel()
    length = 160 * len(frames) + 400
    made = np.bincount(at, pieces.ravel(), length)
    weight = np.bincount(at, np.tile(WINDOW**2, len(frames)), length)
    return made[200:-200] / np.maximum(weight[200:-200], 1e-3)


"""
_MOMENTUM = '''\
def wave(mel):
    """The magnitudes are put back a little further than they were (relaxed reflections)."""
    size = loud(mel)
    now = size * np.exp(2j * np.pi * np.random.default_rng(3).random(size.shape))
    for _ in range(80):
        fits = size * np.exp(1j * np.angle(now))
        now = now + spectrum(back(2 * fits - now)) - fits
    return back(size * np.exp(1j * np.angle(now)))
'''

_CUT = """\
def back(frames):
    return np.fft.irfft(frames)[:, 120:280].ravel()


"""

WAVE = programs(
    starter=_HEAD
    + '''\
def wave(mel):
    """160 samples for each frame of mel, as mel(x) made them."""
    loud = (BANK.T @ mel).T
    return np.fft.irfft(loud)[:, :160].ravel()
''',
    solution=_WHOLE,
    also={
        "a-step-beyond": _HEAD + _BACK + _LOUD + _FAST,
        "nothing-below-0": _HEAD + _BACK + _FITTED + _WAVE,
        "added-at-once": _HEAD + _AT_ONCE + _LOUD + _WAVE.replace("120", "150"),
        "reflected": _HEAD + _BACK + _LOUD + _MOMENTUM,
    },
    wrong={
        "phases-of-chance": _but((_LOOP, "")),
        "phases-all-0": _but((_LOOP, "    turned = 1 + 0j\n")),
        "five-rounds": _but(("range(120)", "range(5)")),
        "magnitudes-let-go": _but(
            (
                _LOOP + "    return back(size * turned)",
                """\
    made = size * turned
    for _ in range(120):
        made = spectrum(back(made))
    return back(made)""",
            )
        ),
        "cut-and-joined": _HEAD + _CUT + _LOUD + _WAVE,
        "bands-spread-back": _but(("np.linalg.pinv(BANK) @ power", "BANK.T @ power")),
        "power-for-magnitude": _but(
            (
                "np.sqrt(np.maximum(np.linalg.pinv(BANK) @ power, 0))",
                "np.maximum(np.linalg.pinv(BANK) @ power, 0)",
            )
        ),
    },
    mistakes={
        "phases-of-chance": "spectral convergence",
        "phases-all-0": "spectral convergence",
        "five-rounds": "spectral convergence",
        "magnitudes-let-go": "spectral convergence",
        "cut-and-joined": "spectral convergence",
        "bands-spread-back": "decibels too",
        "power-for-magnitude": "decibels too",
    },
)
