"""What answers are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

UNSEEN = 16
"""Questions that a tuned model is asked."""
_QUESTIONS = (
    "What is a planet?",
    "Why do we need water?",
    "How does a clock work?",
    "What is a bridge for?",
    "What is gravity?",
    "Why do onions make us cry?",
    "How is cheese made?",
    "What is a forest?",
    "What does a nurse do?",
    "Why do we dream?",
    "How do boats float?",
    "What is a library?",
    "What is electricity?",
    "Why do birds sing?",
    "How does soap clean?",
    "What is a garden?",
    "What is a river?",
    "Why do we need friends?",
    "How is silk made?",
    "What does a judge do?",
    "What is a map for?",
    "Why does metal rust?",
    "What is a comet?",
    "How do owls hunt?",
    "What is a song?",
    "Why do we celebrate birthdays?",
    "What is an island?",
    "How does rain form?",
)
"""None of them is among those with two answers."""


def talks(rng: Random, count: int) -> Sequence[Case]:
    """Questions nobody compared answers to, by their numbers."""
    chosen = [sorted(rng.sample(range(len(_QUESTIONS)), UNSEEN)) for _ in range(count)]
    return [
        Case(
            f"ask({', '.join(map(str, numbers))})",
            UNSEEN,
            title=f"{UNSEEN} questions that it was never trained on",
        )
        for numbers in chosen
    ]


def questions(numbers: Sequence[int]) -> list[str]:
    """The questions of these numbers."""
    return [_QUESTIONS[number % len(_QUESTIONS)] for number in numbers]


def pairs(rng: Random, count: int) -> Sequence[Case]:
    """Log probabilities of two answers, now and before the training, and the loss they give."""
    cases: list[Case] = []
    for _ in range(count):
        better, worse = (round(rng.uniform(-60, -20), 2) for _ in range(2))
        better_was, worse_was = (round(p + rng.uniform(-6, 6), 2) for p in (better, worse))
        beta = rng.choice((0.1, 0.2, 0.5))
        margin = beta * ((better - better_was) - (worse - worse_was))
        call = f"print(float(loss({better}, {better_was}, {worse}, {worse_was}, {beta})))"
        cases.append(
            Case(
                call,
                math.log1p(math.exp(-margin)),
                title=f"the loss of one pair of answers, with beta {beta}",
            )
        )
    return cases
