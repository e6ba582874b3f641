"""What a model is asked of a table, and what would be right to answer it with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from .orders import airports

COLUMNS = ("order", "city", "state", "kilos", "price")
Row: TypeAlias = tuple[str, str, str, float | None, float]
Straight: TypeAlias = tuple[str, str, str]
"""(of, by, value), as a call has them."""


@dataclass(frozen=True)
class Table:
    """Orders, and what is asked of them."""

    rows: Sequence[Row]
    asked: Sequence[str]
    """In words, for the model."""
    straight: Sequence[Straight]
    """Calls that are made without it."""

    def total(self, of: str, by: str, value: str) -> float | None:
        """The sum of what is known, cut from the table as people would; None where none is."""
        number, key = COLUMNS.index(of), COLUMNS.index(by)
        wanted = value.strip().casefold()
        found = [row[number] for row in self.rows if str(row[key]).casefold() == wanted]
        known = [float(one) for one in found if one is not None]
        return math.fsum(known) if known else None


def drawn(rng: Random) -> Table:
    """Orders of six cities; of one of them no weight is known."""
    places = [(a.city, a.state) for a in airports() if a.city and a.state and _plain(a.city)]
    chosen: list[tuple[str, str]] = []
    while len(chosen) < 6:
        city, state = rng.choice(places)
        assert city is not None
        assert state is not None
        if all(city != other and state != its for other, its in chosen):
            chosen.append((city, state))
    rows: list[Row] = []
    unweighed = chosen[-1]
    for n in range(30):
        place = chosen[n % 6]
        known = place != unweighed and n % 7 != 5
        kilos = rng.randint(40, 999) / 2 if known else None
        rows.append((f"{n:04d}", *place, kilos, float(rng.randint(20, 400))))
    rng.shuffle(rows)
    (a, _), (b, _), (c, state) = chosen[:3]
    return Table(
        rows=rows,
        asked=(
            f"Add up the price of all orders to {a}.",
            f"How many kilos went to {unweighed[0]}?",
        ),
        straight=(
            ("price", "city", f" {b}"),
            ("kilos", "state", state.lower()),
            ("kilos", "city", c.upper()),
            ("price", "city", "Narnia"),
            ("kilos", "city", unweighed[0]),
            ("price", "city", unweighed[0]),
            ("price", "city", ""),
        ),
    )


def _plain(city: str) -> bool:
    return city.isascii() and city.isalpha() and 4 <= len(city) <= 9
