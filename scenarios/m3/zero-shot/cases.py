"""Letters, questions of a child, and questions for yes or no, drawn afresh from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_NAMES = ("Anna", "Tom", "Maria", "Peter", "Linda", "Ben", "Sara", "Paul", "Nora", "Jack", "Emma")
_HOURS = ("9 am", "10 am", "2 pm", "3 pm", "5 pm", "6 pm")

_OPENINGS = (
    "I hope you had a good weekend.",
    "Thank you so much for your kind letter.",
    "I am sorry that I did not write sooner.",
    "I hope that you and your family are well.",
    "I hope that your holiday was wonderful.",
)
_CLOSINGS = (
    "Say hello to your family from me.",
    "I look forward to seeing you soon.",
    "Tell me if you have any questions.",
    "Please excuse the short notice.",
)

_NEWS: Sequence[tuple[str, str]] = (
    ("meeting", "The budget meeting has been moved to {when}, because the room was taken."),
    ("plumber", "The plumber will come on {when} to repair the boiler, so be at home."),
    ("lunch", "I would like to invite you to lunch at the Italian restaurant on {when}."),
    ("bicycle", "Your bicycle is repaired, and you can collect it from our shop on {when}."),
    ("concert", "The school concert is on {when}, and our daughter will play the violin."),
    ("dentist", "Your appointment with the dentist is on {when}; please bring your card."),
    ("train", "My train arrives on {when}, and I would be glad if you could pick me up."),
    ("lamp", "The parcel with the new lamp will be delivered on {when}."),
    ("football", "The football match against the neighbours starts on {when}."),
    ("choir", "The choir meets on {when}, a little later than usual."),
    ("library", "The library is closed for repairs, but it opens again on {when}."),
    ("report", "I need the report on sales from you by {when}, not later."),
    ("garden", "We start planting trees in the garden on {when}; bring gloves."),
    ("exam", "The exam in chemistry is on {when}, in the large hall."),
)


def letters(rng: Random, count: int) -> Sequence[Case]:
    """Letters with one piece of news; `expect` is the day, `facts` has the thing it is about."""
    cases: list[Case] = []
    for thing, news in rng.sample(_NEWS, count):
        day = rng.choice(DAYS)
        to, by = rng.sample(_NAMES, 2)
        told = news.format(when=f"{day} at {rng.choice(_HOURS)}")
        body = f"{rng.choice(_OPENINGS)} {told} {rng.choice(_CLOSINGS)}"
        text = f"Dear {to},\n\n{body}\n\nBest wishes,\n{by}"
        cases.append(Case(text, day, {"thing": thing}))
    return cases


_ASKED = (
    *("volcano", "bicycle", "computer", "desert", "bridge", "telescope", "candle", "library"),
    *("passport", "mirror", "river", "island", "glacier", "compass", "lighthouse", "violin"),
    *("museum", "battery", "magnet", "rainbow", "forest", "harbour", "hospital", "kitchen"),
    *("ladder", "needle", "newspaper", "windmill", "submarine", "thermometer"),
)


def explanations(rng: Random, count: int) -> Sequence[Case]:
    """What a child asks. `expect` is the word that a short answer has to be about."""
    drawn = rng.sample(_ASKED, count)
    return [Case(f"What is {'an' if w[0] in 'aeiou' else 'a'} {w}?", w) for w in drawn]


_KINDS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("an animal", ("dog", "horse", "frog", "goose", "tiger", "rabbit")),
    ("a fruit", ("banana", "cherry", "pear", "peach", "plum", "grape")),
    ("a colour", ("red", "blue", "green", "yellow", "purple", "brown")),
    ("a country", ("France", "Japan", "Brazil", "Egypt", "Norway", "Canada")),
    ("a metal", ("iron", "gold", "copper", "silver", "zinc", "tin")),
)


def yes_or_no(rng: Random, count: int) -> Sequence[Case]:
    """Questions to be answered by yes or no, as many of each; `expect` is the right word."""
    cases: list[Case] = []
    for n in range(count):
        (kind, members), (other, _) = rng.sample(_KINDS, 2)
        thing = rng.choice(members)
        asked, right = (kind, "yes") if n % 2 else (other, "no")
        name = thing if kind in ("a colour", "a country", "a metal") else f"a {thing}"
        cases.append(Case(f"Is {name} {asked}?", right))
    rng.shuffle(cases)
    return cases
