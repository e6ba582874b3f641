"""Parallel fifths and octaves, found.

The lab m4/music copies this file into its sandbox as it is. A voice is a list of
(pitch, sixteenths); pitch is as in MIDI, None for a rest. The highest voice is 0.
"""

from __future__ import annotations

from collections.abc import Sequence

Voices = Sequence[Sequence[tuple[int | None, int]]]
Found = tuple[int, int, int, int]
"""(sixteenth, one voice, another below it in the list, 5 or 8)."""

_KINDS = {7: 5, 0: 8}


def begins(voice: Sequence[tuple[int | None, int]]) -> dict[int, tuple[int | None, int | None]]:
    """Where notes and rests begin: what was heard before (None at the start), what is heard now."""
    found: dict[int, tuple[int | None, int | None]] = {}
    at, before = 0, None
    for pitch, length in voice:
        found[at] = (before, pitch)
        at, before = at + length, pitch
    return found


def parallels(voices: Voices) -> list[Found]:
    """Where two voices move the same way from a fifth to a fifth, or from an octave to an octave.

    Both begin another note at that moment. A fifth may have octaves between, an octave too, or
    be a unison; which voice is above does not matter.
    """
    moving = [begins(voice) for voice in voices]
    found: list[Found] = []
    for one in range(len(voices)):
        for other in range(one + 1, len(voices)):
            for at in moving[one].keys() & moving[other].keys():
                (a, b), (c, d) = moving[one][at], moving[other][at]
                if a is None or b is None or c is None or d is None:
                    continue
                kind = abs(a - c) % 12
                if (b - a) * (d - c) > 0 and kind in _KINDS and abs(b - d) % 12 == kind:
                    found.append((at, one, other, _KINDS[kind]))
    return sorted(found)
