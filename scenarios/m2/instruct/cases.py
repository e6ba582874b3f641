"""What answers are tried on: fresh pairs, trainings with something wrong, questions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from agentlab.labs import Case

from .patients import KINDS, SERVED, drawn
from .turns import LEARNT, pairs

ASKED = 16
"""Questions that a tuned model is asked."""

_PAIR = """
import json as _json
_given = {given}
_question, _answer = (list(_part) for _part in _given)
_ids, _labels = pair(_question, _answer)
print(_json.dumps({{
    "ids": [int(_n) for _n in _ids],
    "labels": [int(_n) for _n in _labels],
    "kept": [_question, _answer] == _given,
}}))
"""
_PATIENT = """
import json as _json
print(_json.dumps({{"said": str(diagnose(_json.loads({given!r})))}}))
"""


def unseen(rng: Random, count: int) -> Sequence[Case]:
    """Pairs that the model is not to learn, for `pair`."""
    some = rng.sample(pairs()[LEARNT:], min(count, len(pairs()) - LEARNT))
    return [
        Case(
            _PAIR.format(given=[list(one.question_ids), list(one.answer_ids)]),
            {"question": one.question_ids, "answer": one.answer_ids},
            title=f"{one.question} {one.answer}",
        )
        for one in some
    ]


def patients(rng: Random, count: int) -> Sequence[Case]:
    """Trainings, each with a mistake or none, in an order that tells nothing."""
    # forms are taken in turn, so that no draw lacks the one that an answer overlooks
    first = rng.randrange(len(SERVED))
    planted = [(KINDS[n % len(KINDS)], first + n // len(KINDS)) for n in range(count)]
    rng.shuffle(planted)
    return [
        Case(
            _PATIENT.format(given=json.dumps(drawn(kind, rng, form))),
            kind,
            title=f"training {n}",
        )
        for n, (kind, form) in enumerate(planted, start=1)
    ]


def talks(rng: Random, count: int) -> Sequence[Case]:
    """Questions of kinds that were not learnt."""
    return [
        Case(
            json.dumps({"seed": rng.randrange(10**6)}),
            ASKED,
            title=f"{ASKED} questions about countries",
        )
        for _ in range(count)
    ]
