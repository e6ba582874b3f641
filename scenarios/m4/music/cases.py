"""What an answer is tried on: pieces, pairs of chords, melodies with twins, and seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from agentlab.labs import Case
from agentlab_tools.chorales import data

from . import traps

PIECES, PLANTED = 7, 5
"""Openings of chorales to write as numbers, and how many of them are made harder."""
BARS = 4
WHOLE = 12
"""Chorales in which parallels are looked for, half of them with the notes of each voice mixed."""
MELODIES, TWINS = 160, 12
"""Melodies to part, and how many others there are that have a piece of one of them, moved."""

Voice = Sequence[tuple[int | None, int]]
Voices = list[list[tuple[int | None, int]]]


def written(rng: Random) -> list[tuple[Voices, int]]:
    """Openings of chorales, some made harder, each with the length of its pickup."""
    pieces: list[tuple[Voices, int]] = []
    for number, one in enumerate(rng.sample(data.common(), PIECES)):
        piece = opening(one.voices, one.pickup + BARS * data.BAR)
        pieces.append((planted(rng, piece) if number < PLANTED else piece, one.pickup))
    return pieces


def opening(voices: Sequence[Voice], length: int) -> Voices:
    """So many sixteenths from the start."""
    return [until(voice, length) for voice in voices]


def until(voice: Voice, end: int) -> list[tuple[int | None, int]]:
    """A voice up to a sixteenth; what sounds on is cut off."""
    at, cut = 0, list[tuple[int | None, int]]()
    for pitch, lasts in voice:
        if at < end:
            cut.append((pitch, min(lasts, end - at)))
        at += lasts
    return cut


def planted(rng: Random, voices: Voices) -> Voices:
    """With a rest, a pair of sixteenths, and a note of two bars in some voice each."""
    made = [list(voice) for voice in voices]
    for kind in ("rest", "sixteenths", "long"):
        voice = made[rng.randrange(4)]
        places = [
            n for n, (_, length) in enumerate(voice) if length >= 2 and 0 < n < len(voice) - 1
        ]
        if not places:
            continue
        at = rng.choice(places)
        pitch, length = voice[at]
        if kind == "rest":
            voice[at] = (None, length)
        elif kind == "sixteenths" and pitch is not None:
            voice[at : at + 1] = [(pitch, length - 1), (pitch + rng.choice((-2, 2)), 1)]
        elif kind == "long":
            end, lasts = at, 0
            while end < len(voice) and lasts < 2 * data.BAR:
                lasts += voice[end][1]
                end += 1
            voice[at:end] = [(60 if pitch is None else pitch, lasts)]
    return [rests_joined(voice) for voice in made]


def rests_joined(voice: Voice) -> list[tuple[int | None, int]]:
    """With rests in a row made one."""
    found: list[tuple[int | None, int]] = []
    for pitch, length in voice:
        if pitch is None and found and found[-1][0] is None:
            found[-1] = (None, found[-1][1] + length)
        else:
            found.append((pitch, length))
    return found


def counted(rng: Random) -> list[dict[str, Any]]:
    """Every trap, with chords of its own; whole chorales; and such with their notes mixed."""
    pieces = traps.drawn(rng)
    for number, one in enumerate(rng.sample(data.common(), WHOLE)):
        voices = opening(one.voices, one.length)
        if number % 2:
            voices = mixed(rng, voices)
        name = one.name.replace("bwv", "BWV ") + (", its notes mixed" if number % 2 else "")
        pieces.append({"name": name, "voices": voices, "pickup": one.pickup})
    return pieces


def mixed(rng: Random, voices: Voices) -> Voices:
    """The pitches of each voice in another order; its rhythm stays."""
    made: Voices = []
    for voice in voices:
        pitches = [pitch for pitch, _ in voice]
        rng.shuffle(pitches)
        made.append([(p, length) for p, (_, length) in zip(pitches, voice, strict=True)])
    return made


def melodies(rng: Random) -> list[list[int]]:
    """Sopranos of chorales as they are written, and pieces of some that were moved and set on."""
    numbers = rng.sample(range(len(data.common())), MELODIES)
    found = [data.melody(data.common()[number].voices[0]) for number in numbers]
    for one in rng.sample(found, TWINS):
        by, half = rng.choice((-5, -4, -3, -2, 2, 3, 4, 5)), len(one) // 2
        part = one[half - 10 : half + 10] if len(one) >= 30 else one
        lead = [one[0] + rng.randrange(-2, 3) for _ in range(3)]
        found.append([*lead, *(pitch + by for pitch in part)])
    rng.shuffle(found)
    return found


def seeds(task: str, title: str) -> Callable[[Random, int], Sequence[Case]]:
    """What a step is tried on: the tool draws it, from where the chorales are."""

    def drawn(rng: Random, count: int) -> Sequence[Case]:
        told = [{"task": task, "seed": rng.randrange(1_000_000)} for _ in range(count)]
        return [Case(json.dumps(one), title=title) for one in told]

    return drawn
