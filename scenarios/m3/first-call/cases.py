"""The conversations of this lab, drawn afresh from a seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

from .protocols import Conversation

_INSTRUCTIONS = (
    "Answer in one short sentence.",
    "You are a friendly guide. Be brief.",
    'Answer like a pirate. Never say "no".',
    "Tu réponds en français, en peu de mots.",
)
_NAMES = ("Anna", "Ben", "Chloé", "Deniz", "Émile", "Freya")
_THINGS = ("a kite", "a violin", "two cats", "an old map", "some seeds", "a red bicycle")
_CITIES = ("Paris", "Rome", "Vienna", "Cairo", "Tokyo", "Lima")


def conversations(rng: Random, count: int) -> Sequence[Case]:
    """One question, a longer talk, one whose texts look like code: in turn."""
    cases: list[Case] = []
    for number in range(count):
        name, thing, city = rng.choice(_NAMES), rng.choice(_THINGS), rng.choice(_CITIES)
        talks: tuple[tuple[tuple[str, str], ...], ...] = (
            (
                ("user", f"My name is {name}, and I have {thing}."),
                ("assistant", f"Hello {name}! How nice that you have {thing}."),
                ("user", "What did I say I have?"),
            ),
            (("user", f"Name something to see in {city}, {name}'s favourite city."),),
            (
                ("user", f'Is {{"city": "{city}"}} valid JSON?\nAnd is [1, 2'),
                ("assistant", "The first is; the second isn't: a ] is missing."),
                ("user", "Thanks.\n\nWhy?"),
                ("assistant", "Every bracket must be closed."),
                ("user", f"So what is it for {name}?"),
            ),
        )
        said = Conversation(rng.choice(_INSTRUCTIONS), talks[number % 3], rng.randint(5, 12))
        turns = [{"role": role, "text": text} for role, text in said.turns]
        told = {"instructions": said.instructions, "turns": turns, "limit": said.limit}
        cases.append(
            Case(
                json.dumps(told, ensure_ascii=False),
                said,
                title=f"a conversation of {len(said.turns)} turns, told to the server",
            )
        )
    return cases
