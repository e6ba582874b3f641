"""Sentences to be said, drawn from words that the voice knows."""

from __future__ import annotations

from random import Random

# Without two, four and eight, which sound like other words.
_COUNTS = (
    "three five six seven nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty"
).split()
_LOOKS = (
    "black blue brown clean green heavy large little new old orange red silver small white yellow"
).split()
_BEASTS = "birds camels cats cows dogs ducks goats horses mice monkeys rabbits sheep".split()
_THINGS = (
    "apples books bottles boxes chairs coats cups eggs flowers glasses hats keys lamps lemons "
    "letters pictures plates potatoes shoes spoons stones tickets"
).split()
_WHO = (
    "baker brother captain children doctor farmer father mother nurse postman sailor sister "
    "teacher uncle"
).split()
_DID = "bought carried forgot found left lost painted saw sold took".split()
_WENT = "sat stood waited".split()
_BY = ("behind", "near", "outside")
_WHERE = (
    "bridge church forest garden hotel house library market mountain museum office river school "
    "station store street table tower village wall window"
).split()
CITIES = (
    "berlin boston cairo chicago dublin lisbon london madrid moscow oslo paris rome tokyo".split()
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTHS = (
    "january february march april june july august september october november december".split()
)


def sentence(rng: Random) -> str:
    """One of eight to eleven words, without stops within."""
    pick = rng.choice
    some = f"{pick(_COUNTS)} {pick(_LOOKS)}"
    where = f"{pick(_BY)} the {pick(_WHERE)}"
    did = f"{pick(_DID)} {some} {pick(_THINGS)}"
    made = rng.choice(
        (
            f"on {pick(_DAYS)} the {pick(_WHO)} {did} in {pick(CITIES)}",
            f"{some} {pick(_BEASTS)} {pick(_WENT)} {where} in {pick(_MONTHS)}",
            f"my {pick(_WHO)} {did} {where}",
            f"there were {some} {pick(_BEASTS)} and {pick(_COUNTS)} {pick(_THINGS)} {where}",
        )
    )
    return f"{made[0].upper()}{made[1:]}."


def sentences(rng: Random, count: int) -> list[str]:
    """As many, no two alike."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[sentence(rng)] = None
    return list(found)
