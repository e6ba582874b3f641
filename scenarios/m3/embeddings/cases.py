"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

from .articles import recall, world

_DEPTH = 40
"""How much of a ranking is given to `fuse`."""


def neighbours(rng: Random, count: int) -> Sequence[Case]:
    """Questions, each with the articles nearest to it by cosine."""
    known = world()
    cases: list[Case] = []
    for _ in range(count):
        k = rng.randint(3, 6)
        numbers = rng.sample(range(len(known.questions)), 8)
        code = (
            f"numbers, k = {numbers}, {k}\n"
            "import json, numpy\n"
            "rows, asked = numpy.load('vectors.npy'), numpy.load('asked.npy')\n"
            "found = [nearest(asked[n].copy(), rows.copy(), k) for n in numbers]\n"
            "print(json.dumps([[int(n) for n in row] for row in found]))"
        )
        cases.append(
            Case(
                code,
                [list(known.by_meaning[q][:k]) for q in numbers],
                title=f"the {k} articles nearest to each of 8 questions",
            )
        )
    return cases


def rankings(rng: Random, count: int) -> Sequence[Case]:
    """Rankings by words and by meaning with what was right; `expect` is the recall of each."""
    known = world()
    cases: list[Case] = []
    for _ in range(count):
        k = rng.randint(2, 6)
        numbers = rng.sample(range(len(known.questions)), 12)
        trials: list[tuple[list[int], list[int]]] = []
        expect: list[float] = []
        for q in numbers:
            right = known.questions[q].right
            for ranked in (known.by_words[q], known.by_meaning[q]):
                trials.append((list(ranked), sorted(right)))
                expect.append(recall(ranked, right, k))
        code = (
            f"k, trials = {k}, {trials}\n"
            "print([float(recall(list(ranked), set(right), k)) for ranked, right in trials])"
        )
        cases.append(Case(code, expect, title=f"the recall of 24 rankings, at {k}"))
    return cases


def mixtures(rng: Random, count: int) -> Sequence[Case]:
    """Rankings to be fused; `expect` is which questions they are of."""
    known = world()
    cases: list[Case] = []
    for _ in range(count):
        numbers = rng.sample(range(len(known.questions)), 40)
        pairs = [
            (list(known.by_words[q][:_DEPTH]), list(known.by_meaning[q][:_DEPTH])) for q in numbers
        ]
        code = (
            f"pairs = {pairs}\n"
            "import json\n"
            "found = [fuse(list(words), list(meaning)) for words, meaning in pairs]\n"
            "print(json.dumps([[int(n) for n in row] for row in found]))"
        )
        cases.append(Case(code, numbers, title="40 pairs of rankings, fused"))
    return cases


def read(text: str) -> object:
    """The last line of what was printed, as JSON; None where it is not."""
    try:
        return json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        return None
