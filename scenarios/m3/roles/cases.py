"""What is asked in this lab, drawn afresh from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from agentlab.labs import Case


def things(rng: Random, count: int) -> Sequence[Case]:
    """Questions on things that a child may ask about; `expect` is the word for the thing."""
    drawn = rng.sample(tuple(_THINGS.items()), count)
    return [Case(f"What is {asked}?", word) for asked, word in drawn]


def guests(rng: Random, count: int) -> Sequence[Case]:
    """What guests of the hotel ask, each thing in one of its wordings; `expect` is what is so."""
    drawn = [(rng.choice(asked), told) for asked, told in _HOTEL]
    return [Case(asked, told) for asked, told in rng.sample(drawn, count)]


_THINGS: Mapping[str, str] = {
    "rain": "rain",
    "the moon": "moon",
    "a tree": "tree",
    "bread": "bread",
    "a shadow": "shadow",
    "snow": "snow",
    "a bee": "bee",
    "a river": "river",
    "a cloud": "cloud",
    "a bridge": "bridge",
    "an egg": "egg",
    "a horse": "horse",
    "the sea": "sea",
    "a boat": "boat",
    "an apple": "apple",
    "a frog": "frog",
}

_HOTEL: Sequence[tuple[tuple[str, ...], str]] = (
    (("When is breakfast?", "At what time is breakfast?"), "7"),
    (("What is the wifi password?", "Tell me the wifi password, please."), "blue-otter"),
    (("On which floor is the sauna?", "Where is the sauna?"), "4"),
    (("When does the bus leave?", "At what time does the bus leave?"), "8:40"),
    (("How much does a bicycle cost?", "What does a bicycle cost?"), "12"),
    (("When does the pool close?", "Until when is the pool open?"), "21"),
    (("Who is the manager?", "What is the name of the manager?"), "Brandt"),
    (("Where do I return my key?", "Where do I leave my key?"), "3"),
)
