"""Chorales to learn from: those in common time, in C major or A minor, and who has a twin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from random import Random

from agentlab_tools.chorales import Chorale, chorales, notes

BAR = 16
RUN = 12
"""Steps of a melody in a row, by so many semitones each; two pieces do not share them by chance."""
_ROOM = (36, 81)
"""The lowest and the highest note in which all voices should stay where there is a choice."""


@cache
def common() -> tuple[Chorale, ...]:
    """Those in common time, as they are written."""
    return tuple(one for one in chorales() if one.bar == BAR)


@cache
def at_home() -> tuple[Chorale, ...]:
    """The same in C major or A minor, in the same order."""
    return tuple(_home(one) for one in common())


def _home(one: Chorale) -> Chorale:
    up = ((9 if one.minor else 0) - one.tonic) % 12
    return one.moved(min((up, up - 12), key=lambda by: (_outside(one.moved(by)), abs(by))))


def _outside(one: Chorale) -> int:
    low, high = _ROOM
    return sum(not low <= p <= high for voice in one.voices for p, _ in voice if p is not None)


@cache
def numbered() -> tuple[tuple[int, ...], ...]:
    """The same as numbers."""
    return tuple(tuple(written(one)) for one in at_home())


def written(one: Chorale) -> list[int]:
    """A chorale as numbers; before a pickup, the clock waits."""
    return notes.written(one.voices, one.minor, -one.pickup % BAR)


def runs(melody: Sequence[int], length: int = RUN) -> set[tuple[int, ...]]:
    """Every run of so many steps, whatever note it begins on."""
    steps = [b - a for a, b in pairwise(melody)]
    return {tuple(steps[at : at + length]) for at in range(len(steps) - length + 1)}


def melody(voice: Iterable[tuple[int | None, int]]) -> list[int]:
    """The pitches of a voice, without rests."""
    return [pitch for pitch, _ in voice if pitch is not None]


@cache
def families() -> tuple[tuple[int, ...], ...]:
    """Chorales, by number, that share a run of their melody, directly or by way of others."""
    return tuple(tuple(one) for one in related([melody(one.voices[0]) for one in common()]))


def related(melodies: Sequence[Sequence[int]], length: int = RUN) -> list[list[int]]:
    """Groups of melodies that share a run, directly or by way of others."""
    having: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, one in enumerate(melodies):
        for run in runs(one, length):
            having[run].append(number)
    above = list(range(len(melodies)))

    def top(number: int) -> int:
        while above[number] != number:
            number = above[number]
        return number

    for first, *others in having.values():
        for other in others:
            above[top(other)] = top(first)
    groups: dict[int, list[int]] = defaultdict(list)
    for number in range(len(melodies)):
        groups[top(number)].append(number)
    return list(groups.values())


def parted(seed: int, held: int) -> tuple[list[int], list[int]]:
    """(to learn from, at least so many held back), no melody in both."""
    groups = [list(one) for one in families()]
    Random(seed).shuffle(groups)  # noqa: S311 - the seed is the point
    kept: list[int] = []
    while len(kept) < held:
        kept += groups.pop()
    return sorted(number for group in groups for number in group), sorted(kept)
