"""Sounds as WAV files, and drawn: how loud each pitch is from moment to moment."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from . import spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

_DEEP = 60
"""Decibels below the loudest place that are still drawn."""
_TICKS = (250, 500, 1000, 2000, 4000, 8000)
_LOUDEST = 0.8


def wav(x: Array, rate: int = spectra.RATE) -> bytes:
    """A WAV file, one channel of 16 bits; what goes beyond full scale is made softer, not cut."""
    import numpy as np

    x = np.nan_to_num(x, posinf=0, neginf=0)
    most = float(np.abs(x).max(initial=0))
    scale = _LOUDEST / most if most > 0.99 else 1.0
    samples = np.round(32767 * scale * x).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples.tobytes())
    return file.getvalue()


def spectrograms(parts: Sequence[tuple[str, Array]]) -> bytes:
    """Sounds at 16,000 samples a second, one below the other, each with its title, as PNG."""
    import numpy as np

    figure: Any = import_module("matplotlib.figure").Figure(
        figsize=(7.2, 0.5 + 2.1 * len(parts)), layout="constrained"
    )
    axes = figure.subplots(len(parts), 1, squeeze=False, sharex=True)[:, 0]
    shown: Any = None
    for ax, (title, x) in zip(axes, parts, strict=True):
        power = np.abs(spectra.spectrum(x)) ** 2 @ spectra.bank().T
        level = 10 * np.log10(np.maximum(power.T, 1e-12))
        shown = bands(ax, level - level.max(), title)
    bar = figure.colorbar(shown, ax=list(axes), pad=0.01, aspect=15 * len(parts))
    bar.set_label("decibels", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    axes[-1].tick_params(axis="x", labelsize=8)
    axes[-1].set_xlabel("seconds", fontsize=8)
    return png(figure)


def bands(ax: Any, level: Array, title: str) -> Any:
    """Mel bands (80, frames) in decibels below the loudest."""
    import numpy as np

    seconds = level.shape[1] * spectra.HOP / spectra.RATE
    shown = ax.imshow(
        level,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-_DEEP,
        vmax=0,
        interpolation="nearest",
        extent=(0, seconds, -0.5, spectra.BANDS - 0.5),
    )
    top = spectra.mels(spectra.RATE / 2)
    places = spectra.mels(np.array(_TICKS)) / top * (spectra.BANDS + 1) - 1
    ax.set_yticks(places, [str(tick) for tick in _TICKS], fontsize=7)
    ax.set_ylim(-0.5, spectra.BANDS - 0.5)
    ax.set_ylabel("hertz", fontsize=8)
    ax.set_title(title, fontsize=9, loc="left")
    return shown


def png(figure: Any) -> bytes:
    """The figure as a file."""
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    return file.getvalue()


def beside(x: Array, values: Array, title: str) -> bytes:
    """A sound as its wave, and what a program made of it: values (80, frames), largest on top."""
    import numpy as np

    figure: Any = import_module("matplotlib.figure").Figure(
        figsize=(7.2, 3.6), layout="constrained"
    )
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.4))
    above.plot(np.arange(len(x)) / spectra.RATE, x, color="#334466", linewidth=0.4)
    above.set_ylim(-1, 1)
    above.set_yticks([-1, 0, 1])
    above.set_title(title, fontsize=9, loc="left")
    # Four of the values are ten in the logarithm, that is 40 decibels.
    shown = bands(below, 40 * (np.nan_to_num(values) - np.nan_to_num(values).max()), "mel(x)")
    bar = figure.colorbar(shown, ax=below, pad=0.01)
    bar.set_label("decibels", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    below.set_xlabel("seconds", fontsize=8)
    return png(figure)
