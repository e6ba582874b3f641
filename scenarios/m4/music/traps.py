"""Pairs of chords that look like parallels and are none, or are some and do not look like it."""

from __future__ import annotations

from random import Random
from typing import Any

PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))

TWO: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "a fifth, then a fifth": ((7, 0), (9, 2)),
    "an octave, then an octave, downwards": ((12, 0), (9, -3)),
    "a twelfth, then a twelfth": ((19, 0), (21, 2)),
    "a fifth, then a twelfth, both upwards": ((7, 0), (21, 2)),
    "a unison, then a unison": ((4, 4), (7, 7)),
    "two octaves, then one, both downwards": ((24, 0), (7, -5)),
    "a fifth, the voices crossed": ((0, 7), (2, 9)),
    "a fourth, the voices crossed": ((0, 5), (2, 7)),
    "a fifth, then a twelfth, in contrary motion": ((7, 0), (16, -3)),
    "an octave, then a unison, in contrary motion": ((12, 0), (7, 7)),
    "a fifth, then a diminished fifth": ((7, 0), (8, 2)),
    "a fifth, then an octave": ((7, 0), (14, 2)),
    "a fourth, then a fourth": ((5, 0), (7, 2)),
    "a fifth, struck again": ((7, 0), (7, 0)),
    "a fifth that one voice leaves and comes back to by an octave": ((7, 0), (19, 0)),
}
"""What an upper and a lower voice do, from a note that is drawn."""


def drawn(rng: Random) -> list[dict[str, Any]]:
    """Each trap in two voices that are drawn, while the others rest; in an order that is kept."""
    made: list[dict[str, Any]] = []
    for name, ((a, c), (b, d)) in TWO.items():
        made.append(_piece(rng, name, [(a, 4), (b, 4)], [(c, 4), (d, 4)]))
    made += [
        _piece(rng, "fifths between the beats", [(4, 2), (7, 1), (9, 1)], [(2, 2), (0, 1), (2, 1)]),
        _piece(
            rng,
            "fifths on two beats, and a note between",
            [(7, 2), (12, 2), (9, 4)],
            [(0, 4), (2, 4)],
        ),
        _piece(rng, "a fifth, a rest, a fifth", [(7, 2), (None, 2), (9, 4)], [(0, 4), (2, 4)]),
        _piece(
            rng,
            "a fifth, both rest, a fifth",
            [(7, 2), (None, 2), (9, 4)],
            [(0, 2), (None, 2), (2, 4)],
        ),
        _piece(
            rng,
            "a fifth, then a fifth after a long note",
            [(7, 8), (5, 4)],
            [(0, 4), (0, 4), (-2, 4)],
        ),
        _piece(
            rng,
            "one voice moves first, and the other to a fifth later",
            [(7, 2), (9, 6)],
            [(0, 4), (2, 4)],
        ),
        _piece(rng, "three fifths", [(7, 4), (9, 4), (10, 4)], [(0, 4), (2, 4), (3, 4)]),
    ]
    return made


def _piece(
    rng: Random, name: str, upper: list[tuple[int | None, int]], lower: list[tuple[int | None, int]]
) -> dict[str, Any]:
    above, below = rng.choice(PAIRS)
    root = rng.randrange(45, 60)
    length = sum(lasts for _, lasts in upper)
    voices: list[list[tuple[int | None, int]]] = [[(None, length)] for _ in range(4)]
    for voice, notes in ((above, upper), (below, lower)):
        voices[voice] = [(None if pitch is None else root + pitch, lasts) for pitch, lasts in notes]
    return {"name": name, "voices": voices}
