"""Short ways to declare a step, for the `lab.py` of a lab."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase

from agentlab.labs.values import QuizStep


@dataclass(frozen=True)
class Option:
    """One answer that a quiz offers: what it says, whether it is right, and why."""

    text: str
    because: str
    right: bool


def right(text: str, because: str) -> Option:
    """An option that has to be chosen."""
    return Option(text, because, right=True)


def wrong(text: str, because: str) -> Option:
    """An option that must not be chosen."""
    return Option(text, because, right=False)


def quiz(
    id: str, title: str, question: str, *options: Option, hints: tuple[str, ...] = ()
) -> QuizStep:
    """A question of which all right options and no wrong one must be chosen; lettered in order."""
    lettered = dict(zip(ascii_lowercase, options, strict=False))
    return QuizStep(
        id=id,
        title=title,
        question=question,
        options={letter: option.text for letter, option in lettered.items()},
        right=frozenset(letter for letter, option in lettered.items() if option.right),
        because={letter: option.because for letter, option in lettered.items()},
        hints=hints,
    )
