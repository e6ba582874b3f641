"""Voices drawn as a piano roll: time to the right, pitch upwards, a colour for each voice."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from agentlab_tools.chorales.values import VOICES, Note, note_name, struck

_COLOURS = ("#d55e00", "#e69f00", "#009e73", "#0072b2")
"""Of Okabe and Ito, which people who see few colours can tell apart; the soprano first."""
_BLACK = (1, 3, 6, 8, 10)


def roll(
    voices: Sequence[Sequence[Note]],
    title: str,
    bar: int = 16,
    pickup: int = 0,
    marks: Sequence[tuple[int, int, int]] = (),
) -> bytes:
    """A PNG picture of some bars.

    Args:
        bar: sixteenths of a bar.
        pickup: sixteenths before the first bar line.
        marks: (sixteenth, one voice, another): tied together there with a red line.
    """
    notes = [[*struck(tuple(voice))] for voice in voices]
    pitches = [pitch for voice in notes for _, pitch, _ in voice] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    length = max(sum(length for _, length in voice) for voice in voices)
    figure: Any = import_module("matplotlib.figure").Figure(figsize=(7, 3.4), layout="constrained")
    ax = figure.add_subplot()
    for pitch in range(low, high + 1):
        if pitch % 12 in _BLACK:
            ax.axhspan(pitch - 0.5, pitch + 0.5, color="0.94", linewidth=0)
    for at in range(pickup, length + 1, bar):
        ax.axvline(at, color="0.7", linewidth=0.8, zorder=1)
    for voice, colour, name in reversed([*zip(notes, _COLOURS, VOICES, strict=True)]):
        for at, pitch, lasts in voice:
            span = (at + 0.1, lasts - 0.25)
            ax.broken_barh([span], (pitch - 0.42, 0.84), color=colour, linewidth=0, zorder=2)
        ax.plot([], [], color=colour, linewidth=5, label=name)
    for at, one, other in marks:
        ends = [_sounding(notes[voice], at) for voice in (one, other)]
        if None not in ends:
            ax.plot(
                [at + 0.4] * 2, ends, color="#cc0000", linewidth=1.6, marker="o", ms=4, zorder=3
            )
    ax.set_xlim(-0.5, length + 0.5)
    ax.set_ylim(low - 0.5, high + 0.5)
    cs = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 7)]
    ax.set_yticks(cs, [note_name(pitch) for pitch in cs])
    lines = range(pickup, length + 1, bar)
    ax.set_xticks(lines, [str(n) for n, _ in enumerate(lines, 1)])
    ax.set_xlabel("bar")
    ax.set_title(title, fontsize=10)
    handles, names = ax.get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside right center", frameon=False, fontsize=9)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    return file.getvalue()


def _sounding(notes: Sequence[tuple[int, int, int]], at: int) -> int | None:
    """What is heard at a sixteenth."""
    return next((pitch for start, pitch, lasts in notes if start <= at < start + lasts), None)
