"""Texts as the words that are spoken, and how many of them were heard otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_PART = re.compile(r"(?:(?<=\s)|^)[-−](?=\d)|\d[\d,]*(?:\.\d+)?|[a-z]+(?:'[a-z]+)*|%|°\s*c\b|°")
_SIGNS = {"%": ["percent"], "°": ["degrees"], "-": ["minus"], "−": ["minus"]}


def words(text: str) -> list[str]:
    """Small letters, no stops, numbers as they are said: '-7.5 °C' is minus seven point five …"""
    found: list[str] = []
    for part in _PART.findall(text.lower().replace("’", "'")):
        if part[0].isdigit():
            found += number(part)
        elif part.startswith("°") and len(part) > 1:
            found += ["degrees", "celsius"]
        else:
            found += _SIGNS.get(part, [part.replace("'", "")])
    return found


def number(text: str) -> list[str]:
    """The words of '1,250.75'."""
    whole, _, rest = text.replace(",", "").partition(".")
    return _whole(int(whole)) + (["point", *(_ONES[int(digit)] for digit in rest)] if rest else [])


def _whole(n: int) -> list[str]:
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= size:
            return [*_whole(n // size), name, *(_whole(n % size) if n % size else ())]
    if n < 20:
        return [_ONES[n]]
    return [_TENS[n // 10 - 2], *([_ONES[n % 10]] if n % 10 else ())]


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words left out, put in, or taken for others: the fewest that explain what was heard."""
    row = list(range(len(heard) + 1))
    for n, word in enumerate(said, 1):
        before, row = row, [n]
        for m, other in enumerate(heard, 1):
            row.append(min(before[m] + 1, row[-1] + 1, before[m - 1] + (word != other)))
    return row[-1]


def error_rate(pairs: Sequence[tuple[str, str]]) -> float:
    """Edits in all, by the words said in all."""
    told = [(words(said), words(heard)) for said, heard in pairs]
    return sum(edits(*pair) for pair in told) / max(1, sum(len(said) for said, _ in told))
