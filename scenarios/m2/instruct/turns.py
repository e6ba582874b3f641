"""Gemma's turns in tokens, and the pairs and tasks that the lab has.

<bos> <start_of_turn> user \n QUESTION <end_of_turn> \n <start_of_turn> model \n ANSWER …
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentlab_tools.train.bridge.score import UNSCORED

BOS, START, END, LINE, USER, MODEL = 2, 105, 106, 107, 2364, 4368
"""Tokens of Gemma 3: the first three are control tokens, the others the words and a line's end."""
NAMES = {
    BOS: "<bos>",
    START: "<start_of_turn>",
    END: "<end_of_turn>",
    LINE: "\\n",
    USER: "user",
    MODEL: "model",
}
LEARNT = 208
"""How many of the pairs are learnt; the others are kept for trying programs on."""


@dataclass(frozen=True)
class Pair:
    """A question and its answer, as texts and as Gemma's tokens."""

    question: str
    answer: str
    question_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """A question of a kind that no pair is of, and what is right."""

    kind: str
    question: str
    answer: str


@cache
def pairs() -> tuple[Pair, ...]:
    """Questions of quizzes that people wrote, from chatterbot-corpus (see NOTICE)."""
    rows = json.loads(Path(__file__).with_name("pairs.json").read_text(encoding="utf-8"))
    return tuple(
        Pair(row["question"], row["answer"], tuple(row["question_ids"]), tuple(row["answer_ids"]))
        for row in rows
    )


@cache
def tasks() -> tuple[Task, ...]:
    """What is asked of a tuned model: about countries, from GeoNames (see NOTICE)."""
    rows = json.loads(Path(__file__).with_name("tasks.json").read_text(encoding="utf-8"))
    return tuple(Task(**row) for row in rows)


def asked(question: Sequence[int]) -> list[int]:
    """What the model reads before it answers."""
    return [BOS, START, USER, LINE, *question, END, LINE, START, MODEL, LINE]


def row(question: Sequence[int], answer: Sequence[int]) -> tuple[list[int], list[int]]:
    """A pair as it is learnt: its tokens, and what is to be learnt at each place."""
    before, after = asked(question), [*answer, END]
    return before + after, [UNSCORED] * len(before) + after


def shown(token: int) -> str:
    """A token for a reader."""
    return NAMES.get(token, str(token))


def is_right(wrote: str, wanted: str) -> bool:
    """The answer and nothing else; case, a full stop and an article are no matter."""
    return _bare(wrote) == _bare(wanted)


def _bare(text: str) -> str:
    return text.strip().lower().rstrip(".!").removeprefix("the ").strip()
