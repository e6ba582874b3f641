"""The cases of the lab, drawn afresh from a seed, with what is right worked out here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab.labs import Case

from . import task

ASKED = 8
"""Questions of a case of `judge`; ten answers each."""
QUESTIONS = 150
"""Of an experiment of `prove`."""
GAIN = 0.25
"""Of the hard ones, that became easy where something did change."""
NULL, REAL = 500, 200
"""Experiments in which nothing changed, and in which something did."""
_LUCK = 0.02
"""How often a hard question comes out right, and an easy one wrong."""


def judged(rng: Random, count: int) -> Sequence[Case]:
    """Questions with answers of every kind."""
    cases: list[Case] = []
    for _ in range(count):
        told = [
            (question, *answer)
            for question, right in task.questions(rng, ASKED)
            for answer in task.answers(rng, right)
        ]
        rng.shuffle(told)
        asked = [(question, said) for question, _, said, _ in told]
        code = (
            f"import json\nprint(json.dumps(dict(said=[bool(right(q, a)) for q, a in {asked!r}])))"
        )
        expect = [(kind, said, good) for _, kind, said, good in told]
        cases.append(Case(code, expect, title=f"{len(told)} answers to {ASKED} questions"))
    return cases


def picked(rng: Random, count: int) -> Sequence[Case]:
    """Tries of many questions, some of which will be asked later."""
    cases: list[Case] = []
    for _ in range(count):
        tries, later = tried(rng)
        code = (
            "import json\n"
            f"_tries = json.loads({json.dumps(json.dumps(tries))})\n"
            f"_later = json.loads({json.dumps(json.dumps(later))})\n"
            "print(json.dumps(dict(kept=[list(one) for one in pick(_tries, _later)])))"
        )
        cases.append(Case(code, [tries, later], title=f"{len(tries)} tries"))
    return cases


def tried(rng: Random) -> tuple[list[dict[str, Any]], list[str]]:
    """(tries in any order, questions that are asked later)."""
    rows: list[dict[str, Any]] = []
    asked = task.questions(rng, 24)
    later = [question for question, _ in asked[:6]]
    for number, (question, right) in enumerate(asked):
        wrong = f"{int(right[:4]) + 1}{right[4:]}"
        many = number % 3 == 0
        said = [right] * (5 if many else 1) + [f" {right}", f"{right}\n\n"] * many + [wrong] * 3
        for answer in said if number % 4 else [wrong] * 4:
            rows.append(row(question, answer, answer.strip() == right, rng.randrange(8, 40)))
    rng.shuffle(rows)
    return rows, later


def row(question: str, answer: str, right: bool, tokens: int) -> dict[str, Any]:
    """A try as a program sees it."""
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return {
        "question": question,
        "answer": answer,
        "right": right,
        "tokens": tokens,
        "messages": messages,
    }


def experiments(rng: Random, count: int) -> Sequence[Case]:
    """Results of a model before and after: where nothing changed, where something did, and ends."""
    cases: list[Case] = []
    for _ in range(count):
        drawn: list[tuple[str, list[int], list[int]]] = [
            *(("nothing", *_pair(rng, 0.0)) for _ in range(NULL)),
            *(("gain", *_gained(rng)) for _ in range(REAL)),
            *(("loss", after, before) for before, after in map(_gained, [rng] * REAL)),
            ("few", [0] * 4, [1] * 4),
            ("few", [0] * 3, [1] * 3),
            ("alike", [0] * 30, [1] * 30),
            ("same", [1] * 30, [1] * 30),
            ("same", [0] * 30, [0] * 30),
        ]
        rng.shuffle(drawn)
        given = [(before, after) for _, before, after in drawn]
        code = (
            "import json\n"
            f"_given = json.loads({json.dumps(json.dumps(given))})\n"
            "print(json.dumps(dict(said=[verdict(*pair) for pair in _given])))"
        )
        cases.append(Case(code, [kind for kind, *_ in drawn], title=f"{len(drawn)} experiments"))
    return cases


def _gained(rng: Random) -> tuple[list[int], list[int]]:
    return _pair(rng, GAIN)


def _pair(rng: Random, gain: float) -> tuple[list[int], list[int]]:
    """Questions are hard or easy, mostly for both: what one gets right, so does the other."""
    before: list[int] = []
    after: list[int] = []
    for _ in range(QUESTIONS):
        hard = rng.random() < 0.5
        eased = hard and rng.random() < gain
        before.append(int((rng.random() < _LUCK) is hard))
        after.append(int((rng.random() < _LUCK) is (hard and not eased)))
    return before, after


def roads(rng: Random, count: int) -> Sequence[Case]:
    """The whole road, from a seed."""
    return [
        Case(json.dumps({"seed": rng.randrange(1_000_000)}), title="the whole road, once")
        for _ in range(count)
    ]
