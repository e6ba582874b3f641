"""Texts and pairs of texts for `words` and `errors`; and a conversation, from sound to sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentlab.errors import ToolError
from agentlab.tooling import ToolContext

from . import agent, cases, drawing, ear, wording
from .sentences import CITIES, sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Run: TypeAlias = Callable[[Mapping[str, Any], str], Awaitable[Mapping[str, Any]]]
"""What gives values to the learner's functions, and returns those that they leave."""
Words: TypeAlias = Callable[[list[str]], Awaitable[list[list[str]]]]
QUESTIONS, ANSWERED = 3, 2
_PLAIN = (
    "It's cold; don't wait outside!",
    "The twenty-one ducks - all of them - swam.",
    "WHERE is 'Oslo'? (Not here.)",
    "Well-known, isn't she?",
    "Stop. Wait... GO!",
)


def texts(rng: Random) -> list[tuple[str, str]]:
    """(check, text): each holds something that is read otherwise than it is written."""
    small = [rng.randrange(0, 10), rng.randrange(10, 20), 10 * rng.randrange(2, 10)]
    others = [rng.randrange(21, 100), 100 * rng.randrange(1, 10), rng.randrange(101, 1000)]
    large = [1000 * rng.randrange(1, 20), rng.randrange(1001, 10_000), rng.randrange(10_000, 10**6)]
    holes = [rng.randrange(2, 10) * 1000 + rng.randrange(1, 10), 100_000 + rng.randrange(1, 100)]
    made = [
        ("numbers", f"{rng.choice(('We saw', 'It was'))} {n}{rng.choice(('', '.', ' of them,'))}")
        for n in (*small, *others, *large)
    ]
    made += [("numbers", f"It cost {n:,}, or less.") for n in (*large, *holes)]
    cold, warm = (f"{rng.randrange(1, 40)}.{rng.randrange(100):02}" for _ in range(2))
    made += [
        ("signs", f"The temperature is {warm} °C."),
        ("signs", f"At night it was -{cold} °C in the garden"),
        ("signs", f"-{rng.randrange(1, 10)} or −{rng.randrange(10, 20)} degrees?"),
        ("signs", f"Only {rng.randrange(1, 100)}% came, {rng.randrange(2, 9)}.{0}{5} % less."),
        ("signs", f"Pages {rng.randrange(2, 9)}-{rng.randrange(10, 20)} are lost."),
    ]
    return made + [("plain", text) for text in rng.sample(_PLAIN, 3)]


def pairs(rng: Random) -> list[tuple[str, str]]:
    """(said, heard): words left out, put in, taken for others, moved; and numbers as digits."""
    made: list[tuple[str, str]] = []
    for text in sentences(rng, 4):
        words = wording.words(text)
        first = words[1:] + ["now"] * rng.randrange(2)
        mixed = [*words]
        at = rng.randrange(1, len(words) - 2)
        mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
        twice = [*words[:at], words[at], *words[at:], rng.choice(("the", "of"))]
        other = [rng.choice(("a", word, word)) for word in words]
        # What stands longest together is not where the fewest errors are
        moved = [*words[-2:], *(word if n % 2 else "no" for n, word in enumerate(words[:-2]))]
        made += [(text, " ".join(heard)) for heard in (first, mixed, twice, other, moved)]
    number = rng.randrange(21, 100)
    spelt = " ".join(wording.number(str(number)))
    made += [
        (f"I saw {spelt} goats.", f"i saw {number} goats"),
        (f"It is {number}.5 °C.", f"It is {spelt} point five degrees Celsius."),
        ("Five cups.", ""),
        ("", "Thank you."),
        ("To the river", "to the river to the river"),
    ]
    return made


def misread(
    texts: Sequence[tuple[str, str]], said: Sequence[object], counted: object, rng: Random
) -> dict[str, str | None]:
    """What is wrong with words of texts, and with errors of pairs, by check."""
    found: dict[str, str | None] = dict.fromkeys(("numbers", "signs", "plain", "errors"))
    for (check, text), words in zip(texts, said, strict=True):
        wanted = wording.words(text)
        if words != wanted:
            found[check] = found[check] or (
                f"{text!r} is said {' '.join(wanted)!r}, and words(text) is {words!r:.120}"
            )
    tried = pairs(rng)
    if not isinstance(counted, list) or len(cast(list[Any], counted)) != len(tried):
        raise ToolError("what errors(said, heard) returns can't be read")
    for (one, other), got in zip(tried, cast(list[Any], counted), strict=True):
        right = wording.edits(wording.words(one), wording.words(other))
        if got != right:
            found["errors"] = found["errors"] or (
                f"said {one!r}, heard {other!r}: {right} errors, not {got!r:.20}"
            )
    return found


def asked(rng: Random) -> list[tuple[str, str]]:
    """(city, what the thermometer shows there)."""
    cities = rng.sample(CITIES, QUESTIONS)
    return [(city, f"{rng.randrange(21, 40)}.{rng.randrange(1, 10)} °C") for city in cities]


async def answered(
    told: Sequence[tuple[str, str]], words: Words, context: ToolContext
) -> tuple[str, str | None]:
    """Ask aloud, have the answer said in the learner's words, and hear it.

    Args:
        words: the learner's function, for a list of texts.
    """
    lines: list[str] = []
    bad: list[str] = []
    sounds: list[tuple[str, str, Array]] = []
    async with agent.at_work() as ask:
        for city, shows in told:
            question = await asyncio.to_thread(cases.said, f"What is the temperature in {city}?")
            understood = await asyncio.to_thread(ear.heard, question)
            where, answer = await ask(understood, shows)
            text = " ".join((await words([answer]))[0])
            aloud = await asyncio.to_thread(cases.said, f"{text}.")
            heard = await asyncio.to_thread(ear.heard, aloud)
            sounds = [
                ("question", f"asked, and heard as: {understood}", question),
                ("answer", f"answered, and heard as: {heard}", aloud),
            ]
            lines.append(f"{understood} → {where}: {shows} → {answer} → {heard}")
            if where.lower() != city or not _within(wording.words(shows), wording.words(heard)):
                bad.append(lines[-1])
    for name, _, x in sounds:
        context.attach(f"{name}.wav", await asyncio.to_thread(drawing.wav, x), "audio/wav")
    parts = [(title, x) for _, title, x in sounds]
    picture = await asyncio.to_thread(drawing.spectrograms, parts)
    context.attach("talk.png", picture, "image/png")
    right = len(told) - len(bad)
    why = None if right >= ANSWERED else f"{right} of {len(told)} answers were heard: {bad[0]}"
    return "\n".join(lines), why


def _within(some: Sequence[str], all: Sequence[str]) -> bool:
    return any([*all[n : n + len(some)]] == [*some] for n in range(len(all)))


async def talk(run: Run, seed: int, context: ToolContext) -> tuple[str, dict[str, Any]]:
    """What the learner's words and errors are of texts; then the conversation."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    told = texts(rng)
    dice = rng.randrange(1_000_000)
    given = {
        "texts": [text for _, text in told],
        "pairs": pairs(Random(dice)),  # noqa: S311
    }
    made = await run(given, _BOTH)
    said: object = made.get("words")
    if not isinstance(said, list) or len(cast(list[Any], said)) != len(told):
        raise ToolError("what words(text) returns can't be read")
    dealt = Random(dice)  # noqa: S311
    found: dict[str, Any] = {**misread(told, cast(list[Any], said), made.get("errors"), dealt)}
    if any(found.values()):
        return "", found

    async def words(some: list[str]) -> list[list[str]]:
        got: object = (await run({"texts": some, "pairs": []}, _BOTH)).get("words")
        return _words(got, len(some))

    shown, found["agent"] = await answered(asked(rng), words, context)
    return shown, found


def _words(got: object, count: int) -> list[list[str]]:
    rows = cast(list[Any], got) if isinstance(got, list) else []
    if len(rows) != count or not all(isinstance(row, list) for row in rows):
        raise ToolError("what words(text) returns can't be read")
    return [[str(word) for word in row] for row in rows]


_BOTH = """_made = dict(
    words=[[str(_word) for _word in words(_text)] for _text in _given["texts"]],
    errors=[int(errors(*_pair)) for _pair in _given["pairs"]])"""
