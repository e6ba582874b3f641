"""Orders of spare parts for real airports, written down by people, and what is meant by each.

What a table holds is known before it is written down: nothing is read back to find out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

_FILE = Path(__file__).with_name("airports.csv")
COLUMNS = ("order", "airport", "day", "kilos", "paid")
ALIKE = ("0E0", "0E8")
"""Two airports of New Mexico whose codes are both nothing, if they are read as numbers."""


@dataclass(frozen=True)
class Airport:
    """An airport of the list; city and state are None where the list has `NA`."""

    code: str
    city: str | None
    state: str | None


@dataclass(frozen=True)
class Order:
    """What somebody meant: None is what they left out, or nobody can read."""

    order: str | None
    airport: str
    day: str | None
    """The day in ISO form."""
    kilos: float | None
    paid: bool | None

    @property
    def row(self) -> list[object]:
        """Its values, in the order of the columns."""
        return [self.order, self.airport, self.day, self.kilos, self.paid]


@cache
def airports() -> Sequence[Airport]:
    """All of the list, in its order."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Airport(row["iata"], _known(row["city"]), _known(row["state"]))
            for row in csv.DictReader(file)
        )


def _known(text: str) -> str | None:
    return None if text in ("", "NA") else text


def written(rng: Random, kind: str) -> tuple[str, list[Order]]:
    """(a table as CSV, the orders in it).

    Args:
        kind: `mixed`, with all that people do; `early`, whose days are all of a month's first
            twelve; or `alike`, from the two airports of `ALIKE` only.
    """
    codes = ALIKE if kind == "alike" else tuple(a.code for a in rng.sample(list(airports()), 14))
    # Every kind of writing comes in every table; only what it is about is drawn.
    orders = [_meant(rng, codes, n, late=kind == "mixed") for n in range(30)]
    lines = [_line(order, n) for n, order in enumerate(orders)]
    for n in rng.sample(range(5, 30), 6):  # written down again, put right or not
        order = orders[n]
        if order.order is None:
            continue
        if n % 2:
            order = Order(order.order, order.airport, order.day, _weight(rng), paid=True)
            orders[n] = order
        lines.append(_line(order, n + 2))  # in another hand
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *lines])
    return text.getvalue(), orders


def _meant(rng: Random, codes: Sequence[str], n: int, *, late: bool) -> Order:
    day = rng.randint(13, 28) if late and n % 3 == 0 else rng.randint(1, 12)
    month = rng.choice([m for m in range(1, 13) if m != day])
    return Order(
        order=None if n < 4 else f"{n * 31 + rng.randint(0, 30):05d}",
        airport=codes[0] if n < 4 else rng.choice(codes),
        day=None if n % 10 == 7 else f"2026-{month:02d}-{day:02d}",
        kilos=None if n % 8 == 5 else _weight(rng, heavy=n % 4 == 0),
        paid=None if n % 6 == 1 else rng.random() < 0.5,
    )


def _weight(rng: Random, *, heavy: bool = False) -> float:
    return rng.randint(2001, 9999) / 2 if heavy else rng.randint(3, 999) / 2


def _line(order: Order, n: int) -> list[str]:
    """The order as one of many hands writes it."""
    return [
        order.order or "",
        order.airport,
        ("", "soon")[n // 10 % 2] if order.day is None else _day(order.day, n),
        ("", "?")[n // 8 % 2] if order.kilos is None else _kilos(order.kilos, n),
        "" if order.paid is None else _yes(order.paid, n),
    ]


def _day(day: str, n: int) -> str:
    year, month, number = day.split("-")
    return day if n % 5 == 4 else f"{number}/{month}/{year}"


def _kilos(kilos: float, n: int) -> str:
    return (f"{kilos:,.1f}", f"{kilos:.1f}", f"{kilos:g} kg", f" {kilos:,.1f}")[n % 4]


def _yes(paid: bool, n: int) -> str:
    text = "yes" if paid else "no"
    return (text, text, text.upper(), f"{text} ")[n % 4]
