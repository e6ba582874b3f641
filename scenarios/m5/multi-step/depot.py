"""The depot of this lab: a book of parcels, vans and drivers, and two tools that read a line of it.

Both tools take the same key and know the same facts. They differ only in how they say them.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from agentlab import tool
from agentlab.labs import Case

_VANS: tuple[str, ...] = (
    "Heron",
    "Otter",
    "Badger",
    "Falcon",
    "Lynx",
    "Raven",
    "Marten",
    "Bison",
    "Osprey",
    "Hare",
)
_DRIVERS: tuple[str, ...] = (
    "Mia",
    "Tom",
    "Ada",
    "Ravi",
    "Lena",
    "Omar",
    "Nina",
    "Paul",
    "Sara",
    "Igor",
)

Key = Annotated[
    str,
    Field(pattern=r"^(parcel [0-9]{4}|van [A-Z][a-z]+|driver [A-Z][a-z]+)$"),
]


class Depot:
    """Who has which parcel: parcel → van → driver → phone."""

    def __init__(self, seed: int, parcels: int = 120) -> None:
        rng = Random(seed)  # noqa: S311 - a fixed book
        drivers = rng.sample(_DRIVERS, len(_DRIVERS))
        self.driver = dict(zip(_VANS, drivers, strict=True))
        self.phone = {d: f"0{rng.randint(200, 899)} {rng.randint(1000, 9999)}" for d in drivers}
        self.van = {str(p): rng.choice(_VANS) for p in rng.sample(range(1000, 9999), parcels)}

    def steps(self, parcel: str) -> tuple[str, ...]:
        """The keys that lead to the phone number, in order."""
        van = self.van[parcel]
        return (f"parcel {parcel}", f"van {van}", f"driver {self.driver[van]}")

    def number(self, parcel: str) -> str:
        """Whom to call about a parcel."""
        return self.phone[self.driver[self.van[parcel]]]

    def follow(self, key: str) -> tuple[str, str]:
        """What a line leads to: another key, or a phone number. KeyError if there is no line."""
        kind, _, name = key.partition(" ")
        if kind == "parcel":
            return "van", self.van[name]
        return ("driver", self.driver[name]) if kind == "van" else ("phone", self.phone[name])


DEPOT = Depot(seed=41)


def _line(key: str) -> tuple[str, str]:
    try:
        return DEPOT.follow(key)
    except KeyError:
        raise ValueError(f"the book has no line for {key}") from None


@tool
def look_up(key: Key) -> str:
    """Read one line of the depot's book: a parcel, a van or a driver."""
    return prose(key, *_line(key))


@tool
def look_up_next(key: Key) -> str:
    """Read one line of the depot's book: a parcel, a van or a driver."""
    return pointer(*_line(key))


def prose(key: str, kind: str, found: str) -> str:
    """A line in words, as a person would write it."""
    name = key.partition(" ")[2]
    match kind:
        case "van":
            return f"Parcel {name} is on van {found}. See van {found}."
        case "driver":
            return f"Van {name} is driven by {found}. See driver {found}."
        case _:
            return f"The phone of {name} is {found}."


def pointer(kind: str, found: str) -> str:
    """A line that says what to ask next, exactly as one has to ask it."""
    return f"phone: {found}" if kind == "phone" else f"next: {kind} {found}"


def parcels(rng: Random, count: int) -> Sequence[Case]:
    """Parcels to find the phone number for; `facts` has the keys that lead there."""
    drawn = rng.sample(sorted(DEPOT.van), count)
    return [Case(question(p), DEPOT.number(p), {"steps": DEPOT.steps(p)}) for p in drawn]


def question(parcel: str) -> str:
    """What is asked about a parcel."""
    return f"Which phone number do I call about parcel {parcel}?"
