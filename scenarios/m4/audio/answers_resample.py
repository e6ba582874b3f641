"""Answers to `resample`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs

_HEAD = "import numpy as np\n\n\n"
_SINC = '''\
def resample(x, rate, to):
    """The same sound with `to` samples a second in place of `rate`."""
    times = np.arange(int(len(x) * to / rate)) * rate / to
    cut = 0.97 * min(1, to / rate)
    reach = int(40 / cut)
    padded = np.pad(x, reach + 2)
    made = np.zeros(len(times))
    for k in range(-reach, reach + 2):
        near = np.floor(times).astype(int) + k
        off = times - near
        window = np.cos(np.pi * off / (2 * reach + 4)) ** 2
        made += cut * np.sinc(cut * off) * window * padded[near + reach + 2]
    return made
'''
_WHOLE = _HEAD + _SINC


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times")
        text = text.replace(old, new)
    return text


def _program(body: str) -> str:
    return _HEAD + "def resample(x, rate, to):\n" + body


RESAMPLE = programs(
    starter=_program(
        '''\
    """The same sound with `to` samples a second in place of `rate`."""
    times = np.arange(int(len(x) * to / rate)) * rate / to
    return np.interp(times, np.arange(len(x)), x)
'''
    ),
    solution=_WHOLE,
    also={
        "in-one-spectrum": _program(
            """\
    # Long enough that both rates have whole numbers of samples in it
    length = -(-(len(x) + 200) // rate) * rate
    found = np.fft.rfft(np.pad(x, (0, length - len(x))))
    many = length * to // rate
    kept = np.zeros(many // 2 + 1, complex)
    some = min(len(kept), len(found))
    kept[:some] = found[:some]
    kept[int(0.97 * some):] = 0
    return np.fft.irfft(kept, many)[: int(len(x) * to / rate)] * many / length
"""
        ),
        "filtered-then-read-between": _program(
            """\
    cut = 0.97 * min(1, to / rate)
    fine = 16
    at = np.arange(-60 * fine, 60 * fine + 1) / fine
    taps = np.sinc(at) * np.kaiser(len(at), 9)
    times = np.arange(int(len(x) * to / rate)) * rate / to
    made = np.zeros(len(times))
    padded = np.pad(x, 400)
    for k in range(-int(60 / cut), int(60 / cut) + 1):
        near = np.floor(times).astype(int) + k
        made += padded[near + 400] * np.interp((times - near) * cut, at, taps)
    return cut * made
"""
        ),
        "up-filter-down": _program(
            """\
    from math import gcd
    up, down = to // gcd(rate, to), rate // gcd(rate, to)
    most = max(up, down)
    at = np.arange(-40 * most, 40 * most + 1)
    taps = up / most * 0.97 * np.sinc(0.97 * at / most) * np.blackman(len(at))
    count = int(len(x) * to / rate)
    made = np.zeros(count)
    padded = np.pad(x, len(taps) // up + 2)
    for n in range(count):
        whole, rest = divmod(n * down + 40 * most, up)
        some = taps[rest::up]
        newest = whole + len(taps) // up + 2
        made[n] = padded[newest - len(some) + 1 : newest + 1][::-1] @ some
    return made
"""
        ),
    },
    wrong={
        "the-nearest-sample": _program(
            """\
    times = np.arange(int(len(x) * to / rate)) * rate / to
    return x[np.minimum(np.round(times).astype(int), len(x) - 1)]
"""
        ),
        "means-of-neighbours": _program(
            """\
    wide = max(1, round(rate / to))
    x = np.convolve(x, np.ones(wide) / wide, "same")
    times = np.arange(int(len(x) * to / rate)) * rate / to
    return np.interp(times, np.arange(len(x)), x)
"""
        ),
        "never-lowered": _but(("cut = 0.97 * min(1, to / rate)", "cut = 1")),
        "too-loud": _but(("cut * np.sinc", "np.sinc")),
        "cut-too-low": _but(("0.97 * min", "0.5 * min")),
        "half-a-step-late": _but(("* rate / to\n    cut", "* rate / to + 0.5\n    cut")),
    },
    mistakes={
        "the-nearest-sample": "of it is another",
        "means-of-neighbours": "of it is another",
        "never-lowered": "folded",
        "too-loud": "of it is another",
        "cut-too-low": "of it is another",
        "half-a-step-late": "of it is another",
    },
)
