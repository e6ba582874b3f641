"""Keys by name, what belongs to them, and what is heard of a piece: the judge's own ear."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab_tools.chorales import rules

Voices = Sequence[Sequence[tuple[int | None, int]]]

STRETCH = 8
"""Quarters in a row that count as the same if all four voices are."""
RANGES = ((57, 81), (53, 74), (48, 69), (36, 64))
"""Bach's lowest and highest note of each voice, in all chorales that are read."""
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, " sharp": 1, "-sharp": 1, "b": -1, " flat": -1, "-flat": -1}
_USUAL = {
    "major": ("C", "G", "D", "A", "E", "F", "B flat", "E flat", "Bb", "Eb", "A-flat", "F sharp"),
    "minor": ("A", "E", "B", "D", "G", "C", "F", "F sharp", "F#", "C sharp", "C#", "B flat"),
}
NONE = ("H minor", "Q flat major", "very loud", "G sharp flat major")
"""What is no key, or in no language that the lab speaks."""


def drawn(rng: Random, each: int) -> list[str]:
    """So many names of major keys, and as many of minor ones, in turn."""
    pairs = zip(*(rng.sample(_USUAL[mode], each) for mode in ("major", "minor")), strict=True)
    return [f"{name} {mode}" for pair in pairs for name, mode in zip(pair, _USUAL, strict=True)]


def named(key: str) -> tuple[int, bool]:
    """(tonic from 0 for C to 11, whether it is minor) of one of these names."""
    name, mode = key.rsplit(" ", 1)
    return (_LETTERS[name[0]] + _SIGNS[name[1:]]) % 12, mode == "minor"


def last_bass(voices: Voices) -> int | None:
    """What the bass ends on, from 0 for C to 11."""
    return next((pitch % 12 for pitch, _ in reversed(voices[3]) if pitch is not None), None)


def beats(voices: Voices) -> list[tuple[int | None, ...]]:
    """What is heard at each quarter in the four voices."""
    length = sum(lasts for _, lasts in voices[0])
    rows: list[list[int | None]] = []
    for voice in voices:
        heard: list[int | None] = []
        for pitch, lasts in voice:
            heard += [pitch] * lasts
        rows.append(heard[:length:4])
    return list(zip(*rows, strict=True))


def stretches(voices: Voices, tonic: int) -> list[tuple[tuple[int | None, ...], ...]]:
    """What is heard in STRETCH quarters in a row, each above the tonic below its lowest note."""
    rows = beats(voices)
    found: list[tuple[tuple[int | None, ...], ...]] = []
    for at in range(len(rows) - STRETCH + 1):
        some = rows[at : at + STRETCH]
        low = min((pitch for row in some for pitch in row if pitch is not None), default=tonic)
        root = low - (low - tonic) % 12
        found.append(tuple(tuple(None if p is None else p - root for p in row) for row in some))
    return found


def parallels(voices: Voices) -> int:
    """How many parallel fifths and octaves there are."""
    return len(rules.parallels(voices))
