"""What is wrong with what a program made, by the check it is for; None where nothing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from agentlab.errors import ToolError
from agentlab_tools.chorales import VOICES, data, note_name, rules

from .cases import Voices, rests_joined

Found: TypeAlias = dict[str, Any]

BELOW = 1000
"""Numbers are smaller than this."""
A_QUARTER = 9.5
"""Numbers for a quarter; what works came to 6 to 8.5, a grid of sixteenths to 16."""
_TAIL = 6
"""Numbers at the end of a piece that may be other if it goes on."""
HELD = (0.1, 0.25)
"""The share of melodies that is to be held back."""
USED = 0.75
"""The share that must be in one part or the other."""


def noted(check: str) -> Callable[[Mapping[str, Any], Any], str | None]:
    """What was found wrong for a check; what was not tried says why."""
    return lambda found, _: cast("str | None", found.get(check, "it was not tried: see above"))


def rewritten(pieces: Sequence[Voices], made: Sequence[Mapping[str, Any]]) -> Found:
    """Of pieces that became numbers, and voices again.

    Args:
        made: for each piece `tokens`, `back`, and `begun`: numbers of its first half, or None.
    """
    found: Found = dict.fromkeys(("notes", "again", "rests", "short", "order"))
    numbers = quarters = 0
    for piece, one in zip(pieces, made, strict=True):
        tokens = whole_numbers(one["tokens"], "what encode(voices) returns", BELOW)
        numbers += len(tokens)
        quarters += sum(length for _, length in piece[0]) / 4
        for check, why in _compared(piece, four_voices(one["back"], "decode(tokens)")).items():
            found[check] = found[check] or why
        if one["begun"] is not None:
            begun = whole_numbers(one["begun"], "what encode(voices) returns", BELOW)
            same = next(
                (n for n, pair in enumerate(zip(tokens, begun, strict=False)) if len({*pair}) > 1),
                None,
            )
            if same is not None and same < len(begun) - _TAIL:
                found["order"] = found["order"] or (
                    f"the first half alone is {len(begun)} numbers, of which the first {same} "
                    "begin the whole piece"
                )
    if numbers > A_QUARTER * quarters:
        found["short"] = f"{numbers / quarters:.1f} numbers a quarter, {A_QUARTER} at most"
    return found


def _compared(piece: Voices, back: Voices) -> Found:
    """Of one piece that came back; at most one complaint, by what went wrong first."""
    for name, *pair in zip(VOICES, piece, back, strict=True):
        voice, other = map(rests_joined, pair)
        if voice == other:
            continue
        one, two = onsets(voice), onsets(other)
        if one != two:
            again = _tied(voice)
            if onsets(again) == two:
                at = next(at for at, pitch in one if (at, pitch) not in two)
                return {"again": f"the {name}'s note at {at}, struck again, is lost"}
            at, pitch = next(
                (a for a, b in zip([*one, (-1, 0)], [*two, (-2, 0)], strict=False) if a != b)
            )
            if at >= 0:
                heard = dict(two).get(at)
                got = "nothing begins" if heard is None else note_name(heard)
                return {"notes": f"the {name} begins {note_name(pitch)} at {at}; back came: {got}"}
            return {"notes": f"the {name} has {len(one)} notes, and {len(two)} came back"}
        check = "rests" if any(pitch is None for pitch, _ in voice) else "notes"
        return {check: f"the {name}'s notes begin where they did, and last otherwise"}
    return {}


def onsets(voice: Sequence[tuple[int | None, int]]) -> list[tuple[int, int]]:
    """(sixteenth it begins at, pitch) of each note."""
    found, at = list[tuple[int, int]](), 0
    for pitch, length in voice:
        if pitch is not None:
            found.append((at, pitch))
        at += length
    return found


def _tied(voice: Sequence[tuple[int | None, int]]) -> list[tuple[int | None, int]]:
    """With equal notes in a row made one."""
    found: list[tuple[int | None, int]] = []
    for pitch, length in voice:
        if found and found[-1][0] == pitch:
            found[-1] = (pitch, found[-1][1] + length)
        else:
            found.append((pitch, length))
    return found


def miscounted(pieces: Sequence[Mapping[str, Any]], said: Sequence[Any]) -> Found:
    """Of pieces in which parallels were looked for."""
    found: Found = dict.fromkeys(("found", "none"))
    for piece, one in zip(pieces, said, strict=True):
        told = {_parallel(item) for item in _listed(one, "parallels(voices) must return a list")}
        wanted = set(rules.parallels(piece["voices"]))
        for check, which, how in (
            ("found", wanted - told, "{} not found"),
            ("none", told - wanted, "{} found, and none is there"),
        ):
            if which:
                at, a, b, kind = min(which)
                pair = f"{VOICES[a]} and {VOICES[b]}" if max(a, b) < 4 else f"voices {a} and {b}"
                what = {5: "fifths", 8: "octaves"}.get(kind, f"parallels of kind {kind}")
                where = f"{what} of {pair} at {at}"
                found[check] = found[check] or f"{piece['name']}: {how.format(where)}"
    return found


def _parallel(item: object) -> rules.Found:
    numbers = whole_numbers(item, "each parallel", 1_000_000)
    if len(numbers) != 4:
        raise ToolError("each parallel must be (sixteenth, voice, voice, 5 or 8)")
    at, one, other, kind = numbers
    return at, min(one, other), max(one, other), kind


def unparted(melodies: Sequence[Sequence[int]], said: Mapping[str, Any]) -> Found:
    """Of melodies in two parts."""
    learn = whole_numbers(said.get("learn"), "the melodies to learn from", len(melodies))
    held = whole_numbers(said.get("held"), "the melodies held back", len(melodies))
    found: Found = dict.fromkeys(("sizes", "apart"))
    both = {*learn} & {*held}
    share, used = len({*held}) / len(melodies), len({*learn, *held}) / len(melodies)
    if not HELD[0] <= share <= HELD[1]:
        found["sizes"] = f"{share:.0%} are held back, not {HELD[0]:.0%} to {HELD[1]:.0%}"
    elif used < USED:
        found["sizes"] = f"{used:.0%} are in one part or the other, {USED:.0%} at least"
    known: dict[tuple[int, ...], int] = {}
    for number in learn:
        known.update(dict.fromkeys(data.runs(melodies[number]), number))
    twins = [(n, known[run]) for n in held for run in data.runs(melodies[n]) if run in known]
    if both:
        found["apart"] = f"{len(both)} are in both parts"
    elif twins:
        one, other = twins[0]
        moved = {*_pitched(melodies[one])} & {*_pitched(melodies[other])}
        how = "note for note" if moved else "in another key"
        found["apart"] = (
            f"{len({n for n, _ in twins})} of {len(held)} held back share {data.RUN} steps with "
            f"one to learn from, the first of them {how}"
        )
    return found


def _pitched(melody: Sequence[int]) -> list[tuple[int, ...]]:
    run = data.RUN + 1
    return [tuple(melody[at : at + run]) for at in range(len(melody) - run + 1)]


def four_voices(said: object, who: str) -> Voices:
    """Four voices as they came out of the sandbox.

    Raises:
        ToolError: they are none.
    """
    why = f"{who} must return four lists of (pitch or None, sixteenths)"
    voices: Voices = []
    for voice in _listed(said, why):
        notes: list[tuple[int | None, int]] = []
        for note in _listed(voice, why):
            pair = _listed(note, why)
            if len(pair) != 2:
                raise ToolError(why)
            pitch, length = pair
            if pitch is not None:
                (pitch,) = whole_numbers([pitch], f"pitches of {who}", 128)
            (length,) = whole_numbers([length], f"lengths of {who}", 100_000)
            if not length:
                raise ToolError(f"{why}, and none of 0")
            notes.append((pitch, length))
        voices.append(notes)
    if len(voices) != 4:
        raise ToolError(f"{why}, not {len(voices)}")
    return voices


def whole_numbers(said: object, what: str, below: int) -> list[int]:
    """Whole numbers from 0 up to, and without, `below`.

    Raises:
        ToolError: they are none.
    """
    why = f"{what} must be whole numbers from 0 to {below - 1}"
    numbers = _listed(said, why)
    for number in numbers:
        if type(number) is not int or not 0 <= number < below:
            raise ToolError(f"{why}, not {str(number)[:40]}")
    return cast(list[int], numbers)


def _listed(said: object, why: str) -> list[Any]:
    if not isinstance(said, list):
        raise ToolError(f"{why}, not {str(said)[:40]}")
    return cast(list[Any], said)
