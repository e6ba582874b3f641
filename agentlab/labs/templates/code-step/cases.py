"""The texts of this lab, drawn afresh from a seed, each with what a right program makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random

from agentlab.labs import Case


def texts(rng: Random, count: int) -> Sequence[Case]:
    """Calls of the learner's function, as code; `expect` is what they must print."""
    return [_case(rng) for _ in range(count)]


def _case(rng: Random) -> Case:
    while True:
        text = "".join(rng.choices("aenrst", k=30))
        pair = _most_frequent(pairwise(text))
        every_other = _most_frequent(zip(text[::2], text[1::2], strict=True))
        # A text for which a likely mistake comes out right tells nobody anything
        if pair not in (every_other, text[:2]):
            return Case(f"print(most_frequent_pair({text!r}))", pair, title=f"the text {text}")


def _most_frequent(pairs: Iterable[tuple[str, str]]) -> str:
    counted = Counter("".join(pair) for pair in pairs)
    return min(counted, key=lambda pair: (-counted[pair], pair))
