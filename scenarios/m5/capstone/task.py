"""The task of the lab: a day, written by people in many ways, to be written as year-month-day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_FIRST, _DAYS = date(1950, 1, 1), 30_000
_SAID = (
    "We meet on {}.",
    "The train leaves on {}.",
    "Her birthday is {}.",
    "It was signed on {}.",
    "The shop opened {}.",
    "They married on {}.",
    "The exam took place {}.",
    "It had to be paid by {}.",
)
_FORMS = ("{d} {month} {y}", "{month} {d}, {y}", "{d} {mon} {y}", "{mon} {d}, {y}", "{mon} {d} {y}")


def questions(rng: Random, count: int) -> list[tuple[str, str]]:
    """So many different questions, each with its answer."""
    found: dict[str, str] = {}
    while len(found) < count:
        day = _FIRST + timedelta(days=rng.randrange(_DAYS))
        month = MONTHS[day.month - 1]
        form = rng.choice(_FORMS)
        told = form.format(d=day.day, y=day.year, month=month, mon=month[:3])
        found[f"{rng.choice(_SAID).format(told)} Which date is that?"] = day.isoformat()
    return list(found.items())


def answers(rng: Random, right: str) -> list[tuple[str, str, bool]]:
    """What a model might say: (kind, answer, whether it is right)."""
    day = date.fromisoformat(right)
    other = _other(rng, day)
    y, m, d = right.split("-")
    return [
        ("right", right, True),
        ("spaced", f" {right}\n", True),
        ("day", other.isoformat(), False),
        ("year", f"{int(y) + rng.choice((-1, 1, 10))}-{m}-{d}", False),
        ("turned", f"{y}-{d}-{m}", d == m),
        (
            "form",
            rng.choice((f"{d}.{m}.{y}", f"{y}/{m}/{d}", f"{int(d)} {MONTHS[day.month - 1]} {y}")),
            False,
        ),
        ("short", f"{y}-{int(m)}-{int(d)}", right == f"{y}-{int(m)}-{int(d)}"),
        ("around", f"The date is {right}.", False),
        ("both", f"{right} or {other.isoformat()}", False),
        ("nothing", rng.choice(("", "I don't know.", "year-month-day")), False),
    ]


def _other(rng: Random, day: date) -> date:
    return day + timedelta(days=rng.choice((-365, -31, -1, 1, 9, 30)))


def shuffled(rng: Random, items: Sequence[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
    """The same in another order."""
    return rng.sample(list(items), len(items))
