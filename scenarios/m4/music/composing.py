"""The learner's composer, asked for pieces in many keys; and an agent that has it for a tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any, TypeAlias

from agentlab.errors import ToolError
from agentlab_tools.chorales import VOICES, data, heard, note_name

from . import agent, keys
from .cases import Voices
from .judging import four_voices

EACH, BARS = 3, 4
"""Major keys, and as many minor ones; bars of each piece."""
IN_KEY, STEPS, PARALLELS, SAME, COPIED = 0.9, 0.55, 1, 0.3, 0.25
ASKED = (
    ("G minor", 4),
    ("D major", 3),
    ("A minor", 4),
    ("F major", 2),
    ("E minor", 3),
    ("C major", 4),
)
"""What the agent is asked for; three of them each time."""
ENDS, BEYOND = 0.6, 0.03
QUESTIONS, ANSWERED = 3, 2
Composed: TypeAlias = Callable[[list[tuple[str, int]], int], Awaitable[list[Any]]]
Heard: TypeAlias = tuple[str, Voices]


async def tried(
    seed: int, composed: Composed, emit: Callable[[str], None]
) -> tuple[str, dict[str, Any], Heard | None]:
    """(what to show, what is wrong by check, a title and voices to hear)."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    asked = [(key, BARS) for key in keys.drawn(rng, EACH)]
    refused = rng.sample(keys.NONE, 2)
    said = await composed([*asked, *((key, BARS) for key in refused)], seed)
    checks = ("form", "sung", "key", "refused", "parallels", "alive", "own")
    found: dict[str, Any] = dict.fromkeys(checks)
    for key, one in zip(refused, said[len(asked) :], strict=True):
        if not isinstance(one, str):
            found["refused"] = f"{key!r} is no key, and it composed: raise a ValueError"
    pieces: list[tuple[str, Voices]] = []
    for (key, bars), one in zip(asked, said, strict=False):
        if isinstance(one, str):
            found["form"] = f"{key}: {one[:80]}"
            return found["form"], found, None
        voices = four_voices(one, "compose(key, bars, seed)")
        pieces.append((key, voices))
        found["form"] = found["form"] or misshapen(key, bars, voices)
        found["sung"] = found["sung"] or strained(key, voices)
    if found["form"]:
        return str(found["form"]), found, (f"Four bars in {pieces[0][0]}", pieces[0][1])
    measured = measures(pieces)
    found |= wrong(measured)
    lines = [f"{name}: {value:.3g}" for name, value in measured.items()]
    heard = (f"{BARS} bars in {pieces[0][0]}", pieces[0][1])
    if not any(found.values()):
        emit("the agent is asked\n")
        calls, heard = await _asked(rng.sample(ASKED, QUESTIONS), composed, seed, heard)
        right = sum(one["right"] for one in calls)
        found["agent"] = None
        if right < ANSWERED:
            bad = next(one for one in calls if not one["right"])
            found["agent"] = f"{bad['question']!r}: it called with {bad['passed']}: {bad['why']}"
        lines += [f"{one['question']} → {one['passed']} → {one['says']}" for one in calls]
    return "\n".join(lines), found | {"measured": measured}, heard


def misshapen(key: str, bars: int, voices: Voices) -> str | None:
    """A voice is too long or too short."""
    for name, voice in zip(VOICES, voices, strict=True):
        length = sum(lasts for _, lasts in voice)
        if length != bars * data.BAR:
            return f"{bars} bars in {key}: the {name} lasts {length} sixteenths"
    return None


def strained(key: str, voices: Voices) -> str | None:
    """Too many notes are higher or lower than any that Bach wrote for that voice."""
    notes = beyond = 0
    worst = ""
    for name, voice, (low, high) in zip(VOICES, voices, keys.RANGES, strict=True):
        for pitch in data.melody(voice):
            notes += 1
            if not low <= pitch <= high:
                beyond += 1
                ends = f"{note_name(low)} to {note_name(high)}"
                worst = f"{key}: the {name} sings {note_name(pitch)}, and Bach's has {ends}"
    return worst if beyond > BEYOND * notes else None


def measures(pieces: list[tuple[str, Voices]]) -> dict[str, float]:
    """What is counted in pieces, together."""
    named = [(keys.named(key), voices) for key, voices in pieces]
    rows = [keys.beats(voices) for _, voices in named]
    bars = sum(len(row) for row in rows) * 4 / data.BAR
    pairs = [(a, b) for row in rows for a, b in pairwise(row)]
    windows = [one for (tonic, _), voices in named for one in keys.stretches(voices, tonic)]
    return {
        "in key": _mean([heard.in_key(voices, *key) for key, voices in named]),
        "ends on the tonic": _mean([keys.last_bass(voices) == key[0] for key, voices in named]),
        "by step": heard.by_step(*(voices for _, voices in pieces)),
        "parallels": sum(keys.parallels(voices) for _, voices in named),
        "parallels in 100 bars": 100 * sum(keys.parallels(voices) for _, voices in named) / bars,
        "stands still": _mean([a == b for a, b in pairs]),
        "said before": 1 - len({*windows}) / max(1, len(windows)),
        "copied": _mean([window in known() for window in windows]),
    }


def wrong(measured: dict[str, float]) -> dict[str, str | None]:
    """What of that is not as it should be, by check."""
    found: dict[str, str | None] = dict.fromkeys(("key", "parallels", "alive", "own"))
    if measured["in key"] < IN_KEY:
        found["key"] = f"{measured['in key']:.0%} of the notes are in key, {IN_KEY:.0%} needed"
    elif measured["ends on the tonic"] < ENDS:
        found["key"] = f"{measured['ends on the tonic']:.0%} end on their tonic, {ENDS:.0%} needed"
    if measured["parallels"] > PARALLELS:
        found["parallels"] = (
            f"{measured['parallels']:.0f} parallels, {measured['parallels in 100 bars']:.0f} in "
            f"100 bars; {PARALLELS} at most"
        )
    if measured["by step"] < STEPS:
        found["alive"] = f"{measured['by step']:.0%} of the moves are steps, {STEPS:.0%} needed"
    elif measured["stands still"] > SAME:
        found["alive"] = (
            f"{measured['stands still']:.0%} of the chords stand still, {SAME:.0%} at most"
        )
    if measured["copied"] > COPIED:
        found["own"] = (
            f"{measured['copied']:.0%} of its {keys.STRETCH} quarters in a row are Bach's"
        )
    elif measured["said before"] > SAME:
        found["own"] = f"{measured['said before']:.0%} were in another of its own pieces, or before"
    return found


@cache
def known() -> frozenset[Any]:
    """All stretches of Bach's chorales."""
    found: set[Any] = set()
    for one in data.common():
        found.update(keys.stretches(one.voices, one.tonic))
    return frozenset(found)


def _mean(numbers: list[Any]) -> float:
    return sum(numbers) / max(1, len(numbers))


async def _asked(
    some: list[tuple[str, int]], composed: Composed, seed: int, heard: Heard
) -> tuple[list[dict[str, Any]], Heard]:
    """What the agent called with for each request, what it got, and what it said in the end."""
    found: list[dict[str, Any]] = []
    async with agent.at_work() as ask:
        for key, bars in some:
            made: list[Any] = []

            async def compose(key: str, bars: int, made: list[Any] = made) -> str:
                try:
                    made[:] = await composed([(key, bars)], seed)
                except ToolError as error:
                    made[:] = [str(error)]
                if isinstance(made[0], str):
                    raise ToolError(made[0].removeprefix("ValueError: ")[:80] or "no such key")
                return f"ready to be heard: {bars} bars in {key}"

            question = f"Write {bars} bars of a chorale in {key}."
            passed, says = await ask(question, compose)
            why: str | None = "it never called"
            if made and isinstance(made[0], str):
                why = made[0][:80]
            elif made:
                voices = four_voices(made[0], "compose(key, bars, seed)")
                why = misfit(key, bars, voices)
                heard = heard if why else (f"{bars} bars in {key}", voices)
            right = why is None
            told = {"question": question, "passed": passed, "right": right, "why": why}
            found.append({**told, "says": says})
    return found, heard


def misfit(key: str, bars: int, voices: Voices) -> str | None:
    """It is another length or key than was asked for."""
    tonic, minor = keys.named(key)
    share = heard.in_key(voices, tonic, minor)
    if why := misshapen(key, bars, voices) or strained(key, voices):
        return why
    return None if share >= 0.8 else f"{share:.0%} of its notes are in {key}"
