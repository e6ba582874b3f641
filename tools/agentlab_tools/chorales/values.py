"""What a chorale is: four voices of notes, counted in sixteenths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

Note: TypeAlias = tuple[int | None, int]
"""(pitch as in MIDI, where 60 is the C in the middle, or None for a rest; length in sixteenths)."""
Voice: TypeAlias = tuple[Note, ...]

VOICES = ("soprano", "alto", "tenor", "bass")
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Chorale:
    """Four voices, equally long, the highest first.

    Attributes:
        name: as its catalogue of works has it, "bwv269".
        sharps: in the key signature; flats are below 0.
        bar: sixteenths of a bar.
        pickup: sixteenths before the first bar line.
        fermatas: at which sixteenths the soprano begins a note with a fermata: ends of lines.
    """

    name: str
    voices: tuple[Voice, Voice, Voice, Voice]
    sharps: int
    bar: int
    pickup: int
    fermatas: tuple[int, ...]

    @property
    def length(self) -> int:
        """In sixteenths."""
        return sum(length for _, length in self.voices[0])

    @property
    def tonic(self) -> int:
        """The note that the bass ends on, from 0 for C to 11."""
        return next(pitch for pitch, _ in reversed(self.voices[3]) if pitch is not None) % 12

    @property
    def minor(self) -> bool:
        """Whether the key signature has a minor third on that note."""
        scale = {7 * fifth % 12 for fifth in range(self.sharps - 1, self.sharps + 6)}
        return (self.tonic + 4) % 12 not in scale

    def moved(self, semitones: int) -> Chorale:
        """It, so much higher."""
        sharps = (self.sharps + 7 * semitones + 5) % 12 - 5
        soprano, alto, tenor, bass = (
            tuple((None if pitch is None else pitch + semitones, length) for pitch, length in voice)
            for voice in self.voices
        )
        return replace(self, voices=(soprano, alto, tenor, bass), sharps=sharps)


def note_name(pitch: int) -> str:
    """As in "F#4": 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def struck(voice: Voice) -> Iterator[tuple[int, int, int]]:
    """(sixteenth it begins at, pitch, length) of each note; rests are left out."""
    at = 0
    for pitch, length in voice:
        if pitch is not None:
            yield at, pitch, length
        at += length
