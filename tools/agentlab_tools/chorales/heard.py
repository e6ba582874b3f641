"""What is heard of a piece: whether its notes belong to a key, and how its voices move."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from agentlab_tools.chorales import struck
from agentlab_tools.chorales.data import melody

Voices = Sequence[Sequence[tuple[int | None, int]]]

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 9, 10, 11)
"""Steps above the tonic; a minor key has its sixth and its seventh both ways."""


def in_key(voices: Voices, tonic: int, minor: bool) -> float:
    """The share of notes that belong to a key."""
    scale = MINOR if minor else MAJOR
    notes = [
        (pitch - tonic) % 12 in scale for voice in voices for _, pitch, _ in struck(tuple(voice))
    ]
    return sum(notes) / max(1, len(notes))


def by_step(*pieces: Voices) -> float:
    """The share of moves in all voices that are by one or two semitones; staying is no move."""
    moves = [
        abs(b - a)
        for voices in pieces
        for voice in voices
        for a, b in pairwise(melody(voice))
        if a != b
    ]
    return sum(move <= 2 for move in moves) / max(1, len(moves))
