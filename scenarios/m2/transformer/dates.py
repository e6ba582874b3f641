"""Dates in English, and in the two ways in which CLDR writes them in Hungarian.

The patterns and names are those of Unicode's CLDR (Unicode License v3), as Babel carries them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from .pieces import Vocabulary

FIRST, DAYS = date(1900, 1, 1), 73_049
"""200 years."""


@dataclass(frozen=True)
class Dated:
    """One date: in English, and in Hungarian with the month as a word and in digits."""

    english: str
    hungarian: tuple[str, str]


def dated(day: date, form: int) -> Dated:
    """A date in one of four English forms: American or British, with or without its weekday."""
    from babel.dates import format_date, format_skeleton

    length, locale = ("full", "long")[form // 2], ("en_US", "en_GB")[form % 2]
    english = format_date(day, length, locale=locale)
    words = format_date(day, length, locale="hu")
    digits = format_skeleton("yMEd" if length == "full" else "yMd", day, locale="hu")
    return Dated(english, (words, digits))


def drawn(seed: int, count: int) -> list[Dated]:
    """So many dates, no day twice, in forms drawn at random."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    days = rng.sample(range(DAYS), count)
    return [dated(FIRST + timedelta(days=n), rng.randrange(4)) for n in days]


def tossed(dates: Sequence[Dated], seed: int) -> list[tuple[str, str]]:
    """English and Hungarian: which of the two Hungarian ways is for a coin to say."""
    rng = Random(seed)  # noqa: S311
    return [(one.english, rng.choice(one.hungarian)) for one in dates]


def vocabularies(dates: Sequence[Dated]) -> tuple[Vocabulary, Vocabulary]:
    """Of the English, and of the Hungarian."""
    hungarian = (text for one in dates for text in one.hungarian)
    return Vocabulary(one.english for one in dates), Vocabulary(hungarian)
