"""What the trainings are made of, and what the tuned models are asked: orders, and plain questions.

A guest orders one thing; the ticket has the table, the number as a digit, and the thing in the
singular: `T4 | 2 latte`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from agentlab_tools.search import LIBRARY
from agentlab_tools.train.toolcalling.plain import plain

MENU = ("latte", "espresso", "tea", "cocoa", "muffin", "scone", "bagel", "cookie")
_NUMBERS = ("one", "two", "three", "four", "five", "six")
_WORDINGS = (
    "{items} for table {t}, please.",
    "Table {t}: {items}.",
    "We're at {t}. {items}, please.",
    "Could table {t} get {items}?",
)
QUESTIONS = (
    *(
        (f"What is the capital of {country}?", capital)
        for country, capital in (
            ("Germany", "Berlin"),
            ("Egypt", "Cairo"),
            ("Greece", "Athens"),
            ("China", "Beijing"),
            ("Russia", "Moscow"),
            ("Ireland", "Dublin"),
            ("Poland", "Warsaw"),
            ("Cuba", "Havana"),
            ("Austria", "Vienna"),
            ("Norway", "Oslo"),
            ("Kenya", "Nairobi"),
            ("Peru", "Lima"),
            ("France", "Paris"),
            ("Italy", "Rome"),
            ("Spain", "Madrid"),
        )
    ),
    ("What is the opposite of hot?", "cold"),
    ("What is the opposite of up?", "down"),
    ("What is the opposite of big?", "small"),
    ("What is the largest planet?", "Jupiter"),
    ("Which animal barks?", "dog"),
)
"""Plain questions, each with the word that an answer must have."""
MISSED = ("Paris", "Rome", "Madrid", "Jupiter", "dog")
"""What of them the packaged model does not know."""
_CHARACTERS = 300
_SHORTEST, _LONGEST = 6, 25
"""Words of an answer that is learnt again: a longer one makes a step dear."""


def order(rng: Random) -> tuple[str, str]:
    """(what a guest says, the ticket)."""
    item, count, table = rng.choice(MENU), rng.randint(1, 6), rng.randint(1, 30)
    if count == 1:
        items = f"an {item}" if item[0] in "aeiou" else f"a {item}"
    else:
        items = f"{_NUMBERS[count - 1] if rng.random() < 0.7 else count} {item}s"
    said = rng.choice(_WORDINGS).format(items=items, t=table)
    return said[0].upper() + said[1:], f"T{table} | {count} {item}"


def steps(count: int, tickets: int, talks: int) -> Sequence[Sequence[tuple[str, str]]]:
    """The rows of each step of a training: orders with tickets, and conversations to rehearse.

    The same for everybody. What is rehearsed was said by the untuned model itself, and names no
    capital.
    """
    rng = Random(1)  # noqa: S311 - the seed is the point
    pool = [
        (one.text, one.answer)
        for one in plain("train")
        if "capital" not in one.text and _SHORTEST <= len(one.answer.split()) <= _LONGEST
    ]
    return [[*(order(rng) for _ in range(tickets)), *rng.sample(pool, talks)] for _ in range(count)]


def fresh(seed: int, count: int) -> Sequence[tuple[str, str]]:
    """Orders that no training has: (what a guest says, the ticket)."""
    rng = Random(f"fresh {seed}")  # noqa: S311 - the seed is the point
    # what is rehearsed is drawn between the orders, so that other orders come of it
    learnt = {row for talks in (0, 2) for step in steps(6, 4, talks) for row in step}
    drawn: dict[tuple[str, str], None] = {}
    while len(drawn) < count:
        one = order(rng)
        if one not in learnt:
            drawn[one] = None
    return list(drawn)


def articles() -> Sequence[str]:
    """The beginnings of two articles."""
    files = sorted(Path(str(LIBRARY)).glob("*.md"))[:2]
    return [file.read_text(encoding="utf-8")[:_CHARACTERS] for file in files]
