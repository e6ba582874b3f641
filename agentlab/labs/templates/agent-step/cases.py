"""The questions of this lab, drawn afresh from a seed, each with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

QUESTION = "How often is {letter} in {word}?"

_WORDS = (
    "strawberry bookkeeper mississippi committee accommodation parallel millennium successful "
    "cappuccino possession tennessee remember banana assessment address balloon cinnamon lollipop"
).split()


def questions(rng: Random, count: int) -> Sequence[Case]:
    """Letters that stand in a word more than once; `expect` is how often."""
    words = rng.sample(_WORDS, len(_WORDS))
    return [_question(rng, words[n % len(words)]) for n in range(count)]


def _question(rng: Random, word: str) -> Case:
    letter = rng.choice(sorted({letter for letter in word if word.count(letter) > 1}))
    return Case(QUESTION.format(letter=letter, word=word), word.count(letter))
