"""Sentences of a small English, in which words have to agree; and gaps in them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

ONE = ("this", "that", "a", "every", "each", "another", "no")
MANY = ("these", "those", "two")
THINGS = (
    *("dog", "cat", "horse", "bird", "king", "queen", "farmer", "teacher", "singer", "robot"),
    *("child", "man"),
)
_ODD = {"child": "children", "man": "men"}
ADJECTIVES = ("young", "tall", "happy", "quiet")
DOINGS = (
    *(("sleeps", "sleep", "slept"), ("sings", "sing", "sang"), ("runs", "run", "ran")),
    *(("waits", "wait", "waited"), ("eats", "eat", "ate"), ("falls", "fall", "fell")),
    *(("speaks", "speak", "spoke"), ("works", "work", "worked")),
)
"""Of one, of many, and long ago, where it is the same of one and of many."""
WHENS = ("here", "today", "again", "outside")
GAP, END, START, BAR = "_", ".", ">", "|"
MARKS = (GAP, END, START, BAR)
SLOTS = 3
"""Words that are missing, at most."""


def several(thing: str) -> str:
    """The plural of a noun."""
    return _ODD.get(thing, thing + "s")


WORDS = (
    "",
    *MARKS,
    *ONE,
    *MANY,
    *THINGS,
    *map(several, THINGS),
    *ADJECTIVES,
    *(form for forms in DOINGS for form in forms),
    *WHENS,
)
"""All that stands in a text; the first is no word, and pads."""
_PLACE = {word: n for n, word in enumerate(WORDS)}
Gapped = tuple[list[str], list[str], list[str]]
"""What stands before a gap, in it, and after it."""


def drawn(rng: Random) -> list[str]:
    """A sentence, such as `these tall robots waited outside`."""
    one = rng.random() < 0.6
    thing, forms = rng.choice(THINGS), rng.choice(DOINGS)
    words = [rng.choice(ONE if one else MANY)]
    if rng.random() < 0.4:
        words.append(rng.choice(ADJECTIVES))
    words.append(thing if one else several(thing))
    words.append(forms[2] if rng.random() < 0.4 else forms[0 if one else 1])
    if rng.random() < 0.5:
        words.append(rng.choice(WHENS))
    return words


def gapped(rng: Random) -> Gapped:
    """A sentence with one to three words in a row missing, never all."""
    words = drawn(rng)
    gone = rng.randint(1, min(SLOTS, len(words) - 1))
    at = rng.randint(0, len(words) - gone)
    return words[:at], words[at : at + gone], words[at + gone :]


def fault(words: Sequence[str]) -> str | None:
    """What is wrong with a sentence; None if it is one."""
    match list(words):
        case [first, adjective, *rest] if adjective in ADJECTIVES and rest:
            words = [first, *rest]
        case _:
            words = list(words)
    if len(words) == 4 and words[3] in WHENS:
        words = words[:3]
    if len(words) != 3 or words[0] not in ONE + MANY:
        return "is no sentence"
    one = words[0] in ONE
    if words[1] not in (*THINGS, *map(several, THINGS)):
        return "is no sentence"
    if (words[1] in THINGS) != one:
        return f"{words[0]} … {words[1]}"
    forms = [forms for forms in DOINGS if words[2] in forms]
    if not forms:
        return "is no sentence"
    return None if words[2] in (forms[0][2], forms[0][not one]) else f"{words[1]} … {words[2]}"


def ids(words: Sequence[str]) -> list[int]:
    """The numbers of words.

    Raises:
        KeyError: it is none of WORDS.
    """
    return [_PLACE[word] for word in words]
