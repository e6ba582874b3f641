"""The checks: answers judged, tries picked, claims made, and what came of the whole road."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

HONEST = 0.09
"""Of experiments in which nothing changed, claims that may be made."""
SEES = 0.8
"""Of those with a gain, that have to be seen."""
Complaint = Callable[[Mapping[str, Any], Any], str | None]


def misjudged(*kinds: str) -> Complaint:
    """What is said of an answer of one of these kinds that was judged wrongly."""

    def complaint(shown: Mapping[str, Any], expect: Any) -> str | None:
        said = _list(shown.get("said"), len(expect))
        if said is None:
            return "right(question, answer) did not come to an answer"
        for told, (kind, answer, good) in zip(said, expect, strict=True):
            if kind in kinds and bool(told) is not good:
                return f"{answer!r} was found to be {'right' if told else 'wrong'}"
        return None

    return complaint


def mispicked(what: str) -> Complaint:
    """What is wrong with what was kept of some tries, in one respect."""

    def complaint(shown: Mapping[str, Any], expect: Any) -> str | None:
        tries, later = expect
        kept = shown.get("kept")
        try:
            pairs = [(one[-2]["content"], one[-1]["content"]) for one in cast(list[Any], kept)]
        except (TypeError, KeyError, IndexError):
            return "pick(tries, asked_later) must return lists of messages, as they are in tries"
        return faults(tries, later, pairs)[what]

    return complaint


def faults(
    tries: Sequence[Mapping[str, Any]], later: Sequence[str], kept: Sequence[tuple[str, str]]
) -> dict[str, str | None]:
    """What is wrong, by respect, with questions and answers that were kept."""
    good = {(one["question"], one["answer"]) for one in tries if one["right"]}
    by_question: dict[str, set[str]] = {}
    for question, answer in good:
        by_question.setdefault(question, set()).add(answer)
    counts = {question: sum(q == question for q, _ in kept) for question in by_question}
    found: dict[str, str | None] = dict.fromkeys(("good", "apart", "once", "even", "all", "short"))
    wrong = [answer for question, answer in kept if (question, answer) not in good]
    if wrong:
        found["good"] = f"{wrong[0]!r} is no right answer that was tried"
    leaked = {question for question, _ in kept} & set(later)
    if leaked:
        found["apart"] = f"{len(leaked)} of the questions that are asked later are learnt from"
    if len(set(kept)) < len(kept):
        found["once"] = f"{len(kept) - len(set(kept))} conversations are there twice"
    mine = good.intersection(kept)
    most = max((sum(q == question for q, _ in mine) for question in counts), default=0)
    if most > 2:
        found["even"] = f"of one question, {most} conversations are learnt from: two at most"
    open_ = [question for question in by_question if question not in later]
    lacking = [q for q in open_ if counts[q] < min(2, len(by_question[q]))]
    if lacking:
        found["all"] = f"of {len(lacking)} questions more could be learnt: up to two right answers"
    found["short"] = _longer(tries, kept, set(open_))
    return found


def _longer(
    tries: Sequence[Mapping[str, Any]], kept: Sequence[tuple[str, str]], questions: set[str]
) -> str | None:
    for question in questions:
        shortest: dict[str, int] = {}
        for one in tries:
            if one["question"] == question and one["right"]:
                answer, tokens = one["answer"], one["tokens"]
                shortest[answer] = min(tokens, shortest.get(answer, tokens))
        mine = {answer for q, answer in kept if q == question} & shortest.keys()
        rest = shortest.keys() - mine
        if mine and rest and max(shortest[a] for a in mine) > min(shortest[a] for a in rest):
            return "of a question, a longer conversation is kept where there is a shorter one"
    return None


def unproved(what: str) -> Complaint:
    """What is wrong with the verdicts, in one respect."""

    def complaint(shown: Mapping[str, Any], expect: Any) -> str | None:
        said = _list(shown.get("said"), len(expect))
        if said is None or not all(one in ("better", "worse", "not shown") for one in said):
            return "verdict(before, after) must return 'better', 'worse' or 'not shown'"
        of = {
            kind: [told for told, one in zip(said, expect, strict=True) if one == kind]
            for kind in set(expect)
        }
        return claims(of)[what]

    return complaint


def claims(of: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    """What is wrong, by respect, with verdicts on experiments of each kind."""
    claimed = sum(one != "not shown" for one in of["nothing"]) / len(of["nothing"])
    seen = sum(one == "better" for one in of["gain"]) / len(of["gain"])
    lost = sum(one == "worse" for one in of["loss"]) / len(of["loss"])
    found: dict[str, str | None] = dict.fromkeys(("honest", "sees", "loss", "ends"))
    if claimed > HONEST:
        found["honest"] = f"where nothing had changed, something was claimed in {claimed:.0%}"
    if seen < SEES:
        found["sees"] = f"of real gains {seen:.0%} were seen, {SEES:.0%} needed"
    if lost < SEES:
        found["loss"] = f"of real losses {lost:.0%} were seen, {SEES:.0%} needed"
    if any(one != "not shown" for one in (*of["few"], *of["same"])):
        found["ends"] = "four of four is luck in one of eight: too few to claim anything"
    if any(one != "better" for one in of["alike"]):
        found["ends"] = "30 of 30 questions became right, and that was not seen"
    return found


def _list(said: object, count: int) -> list[Any] | None:
    if not isinstance(said, list) or len(cast(list[Any], said)) != count:
        return None
    return cast(list[Any], said)


def noted(check: str) -> Complaint:
    """What the tool found wrong, by check."""
    return lambda shown, _: cast("str | None", shown.get(check, "the tool found nothing to judge"))
