"""Four voices as numbers, and back.

The lab m4/music copies this file into its sandbox as it is. A voice is a list of
(pitch, sixteenths); pitch is as in MIDI, None for a rest.

    MAJOR or MINOR, then, moment by moment: what each voice that begins a note begins, the highest
    first, and how many sixteenths pass until the next moment; END at the end.

In common time a piece begins with a wait until its first note: the clock stands at 0, 16, 32, …
where a bar begins.
"""

from __future__ import annotations

from collections.abc import Sequence

Voices = Sequence[Sequence[tuple[int | None, int]]]

END, MAJOR, MINOR = range(3)
LONGEST = 16
"""Sixteenths that pass at once."""
LOWEST, HIGHEST = 31, 88
_NOTES = MINOR + LONGEST + 1
_EACH = HIGHEST - LOWEST + 2
SIZE = _NOTES + 4 * _EACH
"""How many numbers there are."""


def passing(sixteenths: int) -> int:
    """The number for so much time, 1 to 16 sixteenths."""
    return MINOR + sixteenths


def begun(voice: int, pitch: int | None) -> int:
    """The number for a voice, 0 to 3, that begins a note, or a rest."""
    return _NOTES + _EACH * voice + (0 if pitch is None else pitch - LOWEST + 1)


def time_of(token: int) -> int:
    """How many sixteenths pass with it: 0 if it is no such number."""
    return token - MINOR if MINOR < token < _NOTES else 0


def note_of(token: int) -> tuple[int, int | None] | None:
    """(voice, pitch or None for a rest) of a number that begins one; else None."""
    if not _NOTES <= token < SIZE:
        return None
    voice, pitch = divmod(token - _NOTES, _EACH)
    return voice, pitch + LOWEST - 1 if pitch else None


def written(voices: Voices, minor: bool, wait: int = 0) -> list[int]:
    """Voices as numbers, with so many sixteenths to wait first."""
    moments: dict[int, list[int]] = {}
    for voice, notes in enumerate(voices):
        at = wait
        for pitch, length in notes:
            moments.setdefault(at, []).append(begun(voice, pitch))
            at += length
        moments.setdefault(at, [])
    tokens, now = [MINOR if minor else MAJOR], 0
    for at in sorted(moments):
        while now < at:
            step = min(at - now, LONGEST)
            tokens.append(passing(step))
            now += step
        tokens += moments[at]
    return [*tokens, END]


def read(tokens: Sequence[int]) -> list[list[tuple[int | None, int]]]:
    """Four voices from numbers, also of such that a net made up: what makes no sense is left out.

    A voice that begins nothing at first rests; the first wait is no part of the piece.
    """
    voices: list[list[tuple[int | None, int]]] = [[] for _ in range(4)]
    held: list[tuple[int | None, int]] = [(None, 0)] * 4
    now, started = 0, False
    for token in tokens:
        note = note_of(token)
        if token == END:
            break
        if note is not None:
            started = True
            voice, pitch = note
            _close(voices[voice], held[voice], now)
            held[voice] = (pitch, now)
        elif started:
            now += time_of(token)
    for voice, one in zip(voices, held, strict=True):
        _close(voice, one, now)
    return voices


def _close(voice: list[tuple[int | None, int]], held: tuple[int | None, int], now: int) -> None:
    pitch, since = held
    if now > since:
        voice.append((pitch, now - since))


def clock(tokens: Sequence[int]) -> list[int]:
    """How many sixteenths have passed before each number."""
    now = 0
    found: list[int] = []
    for token in tokens:
        found.append(now)
        now += time_of(token)
    return found
