"""The checks: what came out, against what Gemma's turns and the mask call for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentlab_tools.train.bridge.score import UNSCORED

from .cases import ASKED
from .turns import END, Pair, asked, shown

ENDED = 13
"""Of the answers that a tuned model gives, so many must end themselves."""
RIGHT = 2
"""So many must be right; of the untuned model's none is, as none ends.

Nearly half are right, but draws differ: of eleven (seeds 0 to 10) the hardest had 4.
"""


def misplaced(found: Mapping[str, Any], expect: Mapping[str, Sequence[int]]) -> str | None:
    """The tokens are not those of the two turns."""
    wanted = [*asked(expect["question"]), *expect["answer"], END]
    ids: Sequence[int] = found["ids"]
    for at, (mine, theirs) in enumerate(zip(ids, wanted, strict=False)):
        if mine != theirs:
            return f"token {at} is {shown(mine)}, not {shown(theirs)}"
    if len(ids) != len(wanted):
        return f"there are {len(ids)} tokens, not {len(wanted)}"
    return None


def unmasked(found: Mapping[str, Any], expect: Mapping[str, Sequence[int]]) -> str | None:
    """Something that is only to be read is learnt."""
    before = len(asked(expect["question"]))
    learnt = [n for n, label in enumerate(found["labels"][:before]) if label != UNSCORED]
    if learnt:
        return f"{len(learnt)} of the {before} tokens before the answer are learnt"
    return None


def unlearnt(found: Mapping[str, Any], expect: Mapping[str, Sequence[int]]) -> str | None:
    """Something of the answer, or its end, is not learnt as it stands."""
    wanted = [*expect["answer"], END]
    before = len(asked(expect["question"]))
    labels: Sequence[int] = found["labels"][before:]
    if len(found["labels"]) != len(found["ids"]):
        return f"there are {len(found['labels'])} labels for {len(found['ids'])} tokens"
    for at, theirs in enumerate(wanted):
        mine = labels[at] if at < len(labels) else None
        if mine != theirs:
            name = "missing" if mine is None else shown(mine)
            return f"the label of {shown(theirs)}, at {before + at}, is {name}"
    if len(labels) != len(wanted):
        return f"{len(labels) - len(wanted)} labels come after {shown(END)}"
    return None


def slip(one: Pair, ids: Sequence[int], labels: Sequence[int]) -> str | None:
    """What is wrong with a row that is to be learnt, if anything is."""
    made = {"ids": ids, "labels": labels}
    expect = {"question": one.question_ids, "answer": one.answer_ids}
    complaints = (check(made, expect) for check in (misplaced, unmasked, unlearnt))
    return next((why for why in complaints if why is not None), None)


def changed(found: Mapping[str, Any], _: Any) -> str | None:
    """The lists that were given are not as they were."""
    return None if found["kept"] else "a list that was given to pair has been changed"


def misdiagnosed(kind: str) -> Any:
    """A patient of this kind is taken for another."""

    def complaint(found: Mapping[str, Any], expect: str) -> str | None:
        if expect != kind or found["said"] == kind:
            return None
        return f"it is {kind!r}, and you say {found['said'][:40]!r}"

    return complaint


def misread(found: Mapping[str, Any], _: Any) -> str | None:
    """The model does not read what it learnt to."""
    return found["reads"]


def endless(found: Mapping[str, Any], _: Any) -> str | None:
    """The model does not end its answers."""
    if found["reads"] is not None:
        return "it reads what it never learnt: first mend the template"
    ended = found["ended"]
    return None if ended >= ENDED else f"{ended} of {ASKED} answers ended, {ENDED} needed"


def wrong(found: Mapping[str, Any], _: Any) -> str | None:
    """Too few answers are right."""
    if found["reads"] is not None:
        return "it reads what it never learnt: first mend the template"
    right = found["right"]
    return None if right >= RIGHT else f"{right} of {ASKED} answers are right, {RIGHT} needed"
