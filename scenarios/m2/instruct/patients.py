"""Trainings and what was served afterwards, sound or with a mistake planted, on real pairs."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from agentlab_tools.train.bridge.score import UNSCORED

from .turns import BOS, LINE, START, USER, asked, pairs, row

KINDS = ("sound", "template", "end", "prompt")
ROWS = 4
SERVED = ("plain", "no-line", "no-bos", "no-model", "no-end")
"""Ways to ask that are not how it learnt; of any two neighbours, one begins as it should."""


def read_as(how: str, question: Sequence[int]) -> list[int]:
    """A question as a model reads it that is served in one of these ways; else as it learns."""
    whole = asked(question)
    ways = {
        "plain": [BOS, *question],
        "no-line": whole[:-1],
        "no-model": whole[:-3],
        "no-bos": whole[1:],
        "no-end": [BOS, START, USER, LINE, *question, *whole[-4:]],
    }
    return ways.get(how, whole)


def drawn(kind: str, rng: Random, form: int) -> dict[str, Any]:
    """A training with this mistake, or none.

    Args:
        form: which of the forms that the mistake has; it is counted round.

    Returns:
        "rows": of each its tokens and labels; "reads": what the tuned model is then given to read.
    """
    chosen = rng.sample(pairs(), 2 * ROWS)
    how = SERVED[form % len(SERVED)] if kind == "template" else "as-learnt"
    rows = [_row(kind, one.question_ids, one.answer_ids, form % 2 == 0) for one in chosen[:ROWS]]
    return {"rows": rows, "reads": [read_as(how, one.question_ids) for one in chosen[ROWS:]]}


def _row(
    kind: str, question: Sequence[int], answer: Sequence[int], part: bool
) -> tuple[list[int], list[int]]:
    """A row with a mistake, whole or only in part."""
    ids, labels = row(question, answer)
    if kind == "end":
        return (ids, [*labels[:-1], UNSCORED]) if part else (ids[:-1], labels[:-1])
    if kind == "prompt":
        words = slice(4, 4 + len(question))
        labels[words] = ids[words]
        return (ids, labels) if part else (ids, list(ids))
    return ids, labels
