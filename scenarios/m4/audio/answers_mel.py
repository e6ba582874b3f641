"""Answers to `mel`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_SCALE = """\
import numpy as np


def to_mel(hertz):
    above = 15 + 27 * np.log(np.maximum(hertz, 1) / 1000) / np.log(6.4)
    return np.where(hertz < 1000, hertz * 3 / 200, above)


def to_hertz(mel):
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


"""
_BANK = """\
def bank():
    \"\"\"(80, 201): how much of each frequency goes into each band.\"\"\"
    frequencies = np.linspace(0, 8000, 201)
    points = to_hertz(np.linspace(0, to_mel(np.array(8000.0)), 82))
    rows = []
    for low, top, high in zip(points, points[1:], points[2:]):
        rise = (frequencies - low) / (top - low)
        fall = (high - frequencies) / (high - top)
        rows.append(np.maximum(0, np.minimum(rise, fall)) * 2 / (high - low))
    return np.array(rows)


"""
_MEL = """\
BANK = bank()
WINDOW = np.hanning(401)[:400]


def mel(x):
    \"\"\"(80, len(x) // 160): what the recogniser expects of samples at 16,000 a second.\"\"\"
    around = np.pad(x, 200, mode="reflect")
    frames = np.stack([around[at : at + 400] for at in range(0, len(x) // 160 * 160, 160)])
    power = np.abs(np.fft.rfft(frames * WINDOW)) ** 2
    bands = np.log10(np.maximum(BANK @ power.T, 1e-10))
    return (np.maximum(bands, bands.max() - 8) + 4) / 4
"""
_WHOLE = _SCALE + _BANK + _MEL


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


_HTK = (
    _SCALE,
    """\
import numpy as np


def to_mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


def to_hertz(mel):
    return 700 * (10 ** (mel / 2595) - 1)


""",
)

MEL = programs(
    starter="""
import numpy as np


def mel(x):
    \"\"\"(80, len(x) // 160): what the recogniser expects of samples at 16,000 a second.\"\"\"
    frames = np.stack([x[at : at + 160] for at in range(0, len(x) // 160 * 160, 160)])
    loud = np.abs(np.fft.rfft(frames))[:, :80]
    return np.log10(np.maximum(loud.T, 1e-10))
""",
    solution=_WHOLE,
    also={
        "all-frames-at-once": _SCALE
        + """\
F = np.arange(201) * 40.0
P = to_hertz(np.linspace(0, to_mel(np.array(8000.0)), 82))
SLOPES = np.maximum(0, 1 - np.abs(F - P[1:-1, None]) / np.where(
    F < P[1:-1, None], (P[1:-1] - P[:-2])[:, None], (P[2:] - P[1:-1])[:, None]
))
SLOPES *= (2 / (P[2:] - P[:-2]))[:, None]
HANN = np.sin(np.pi * np.arange(400) / 400) ** 2


def mel(x):
    n = len(x) // 160
    places = 160 * np.arange(n)[:, None] + np.arange(400)
    frames = np.pad(x, 200, mode="reflect")[places] * HANN
    spectrum = np.fft.fft(frames, axis=1)[:, :201]
    power = spectrum.real ** 2 + spectrum.imag ** 2
    decibels = 10 * np.log10((power @ SLOPES.T).clip(1e-10)).T
    return decibels.clip(decibels.max() - 80) / 40 + 1
""",
        "a-table-of-waves": _SCALE
        + _BANK
        + """\
BANK = bank()
at = np.arange(400)
TURNS = 2 * np.pi * np.outer(np.arange(201), at) / 400
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * at / 400)
COS, SIN = np.cos(TURNS) * HANN, np.sin(TURNS) * HANN


def mel(x):
    before, after = x[200:0:-1], x[-2:-202:-1]
    x = np.concatenate([before, x, after])
    columns = []
    for start in range(0, len(x) - 400 - 159 + 159, 160):
        frame = x[start : start + 400]
        columns.append(BANK @ ((COS @ frame) ** 2 + (SIN @ frame) ** 2))
    bands = np.array(columns[: (len(x) - 400) // 160]).T
    logs = np.log(np.where(bands > 1e-10, bands, 1e-10)) / np.log(10)
    return np.where(logs < logs.max() - 8, logs.max() - 8, logs) / 4 + 1
""",
        "bands-by-interpolation": _SCALE
        + """\
POINTS = to_hertz(np.linspace(0, float(to_mel(np.array(8000.0))), 82))
FREQUENCIES = np.fft.rfftfreq(400, 1 / 16000)
BANK = np.array([
    np.interp(FREQUENCIES, POINTS[n : n + 3], [0, 2 / (POINTS[n + 2] - POINTS[n]), 0])
    for n in range(80)
])


def mel(x):
    view = np.lib.stride_tricks.sliding_window_view(np.pad(x, 200, mode="reflect"), 400)
    hann = (1 - np.cos(2 * np.pi * np.arange(400) / 400)) / 2
    made = np.fft.rfft(view[:: 160] * hann)
    bands = BANK @ (made * made.conj()).real.T[:, : len(x) // 160]
    top = max(bands.max(), 1e-10)
    return np.log10(np.maximum(bands, max(top * 1e-8, 1e-10))) / 4 + 1
""",
    },
    wrong={
        "another-mel-scale": _but(_HTK),
        "triangles-of-one-height": _but((" * 2 / (high - low)", "")),
        "natural-logarithm": _but(("np.log10", "np.log")),
        "no-square": _but((") ** 2\n    bands", ")\n    bands")),
        "each-frame-its-own-floor": _but(("bands.max() - 8", "bands.max(axis=0) - 8")),
        "frames-not-centred": _but(
            ('np.pad(x, 200, mode="reflect")', "np.pad(x, (0, 400))"),
        ),
        "window-of-399": _but(("np.hanning(401)[:400]", "np.hanning(400)")),
        "no-window": _but(("frames * WINDOW", "frames")),
        "silence-beyond-the-ends": _but(('mode="reflect"', 'mode="constant"')),
    },
    mistakes={
        "another-mel-scale": "strongest in band",
        "triangles-of-one-height": "the largest number",
        "natural-logarithm": "the largest number",
        "no-square": "the largest number",
        "each-frame-its-own-floor": "exact",
        "frames-not-centred": "of frame",
        "window-of-399": "of frame",
        "no-window": "of frame",
        "silence-beyond-the-ends": "of frame",
    },
)
