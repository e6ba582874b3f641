"""Answers to `pick`: a starter, a solution, other right ones, and wrong ones."""

from __future__ import annotations

from agentlab.labs.declare import programs


def _pick(
    *,
    good: str = "one['right']",
    later: str = " and one['question'] not in asked_later",
    order: str = "sorted(tries, key=lambda one: one['tokens'])",
    most: str = "len(of) < 2",
    same: str = "one['answer'] not in of",
    doc: str = "",
) -> str:
    return f"""\
def pick(tries, asked_later):
{doc}    kept, seen = [], {{}}
    for one in {order}:
        of = seen.setdefault(one['question'], [])
        if {good}{later} and {most} and {same}:
            of.append(one['answer'])
            kept.append(one['messages'])
    return kept
"""


_GROUPED = """\
from itertools import groupby


def pick(tries, asked_later):
    good = [one for one in tries if one["right"] and one["question"] not in set(asked_later)]
    good.sort(key=lambda one: (one["question"], one["tokens"]))
    kept = []
    for _, same in groupby(good, key=lambda one: one["question"]):
        by_answer = {}
        for one in same:
            by_answer.setdefault(one["answer"], one)
        kept += [one["messages"] for one in list(by_answer.values())[:2]]
    return kept
"""
_FRAME = """\
import pandas as pd


def pick(tries, asked_later):
    frame = pd.DataFrame(tries)
    frame = frame[frame.right & ~frame.question.isin(asked_later)]
    frame = frame.sort_values("tokens", kind="stable")
    frame = frame.drop_duplicates(["question", "answer"])
    return frame.groupby("question", sort=False).head(2).messages.tolist()
"""

PICK = programs(
    starter='def pick(tries, asked_later):\n    """Conversations to learn from."""\n'
    "    return [one['messages'] for one in tries if one['right']]\n",
    solution=_pick(),
    also={
        "by-groups": _GROUPED,
        "by-a-frame": _FRAME,
        "by-numbers": _pick(
            order="[tries[n] for n in sorted(range(len(tries)), key=lambda n: tries[n]['tokens'])]"
        ),
    },
    wrong={
        "all-that-was-tried": _pick(good="True"),
        "what-is-asked-later-too": _pick(later=""),
        "the-same-twice": _pick(same="True"),
        "as-many-as-there-are": _pick(most="True"),
        "one-will-do": _pick(most="not of"),
        "the-first-that-come": _pick(order="tries"),
    },
    mistakes={
        "all-that-was-tried": "good",
        "what-is-asked-later-too": "apart",
        "the-same-twice": "once",
        "as-many-as-there-are": "even",
        "one-will-do": "all",
        "the-first-that-come": "short",
    },
)
