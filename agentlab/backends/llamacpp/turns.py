"""Histories rewritten for templates that refuse them, or drop part of them without a word.

Each rewriting keeps what was said and in which order. Which ones a template needs is found out
once, by rendering conversations with words that must come out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

Turn: TypeAlias = dict[str, Any]
Rewriting: TypeAlias = Callable[[list[Turn]], list[Turn]]
Write: TypeAlias = Callable[[Sequence[Turn]], str | None]
"""Renders turns; None where the template refuses them."""

_ASKED, _TOLD, _SAID, _MORE, _FIRST = "uz asked", "sz told", "az said", "mz more", "fz first"


def merged(turns: list[Turn]) -> list[Turn]:
    """Neighbouring turns of one speaker as one: some templates insist on taking turns."""
    joined: list[Turn] = []
    for turn in turns:
        last = joined[-1] if joined else None
        if last is not None and last["role"] == turn["role"] and turn["role"] in ("user", "system"):
            joined[-1] = {**last, "content": f"{last['content']}\n{turn['content']}"}
        else:
            joined.append(turn)
    return joined


def as_parts(turns: list[Turn]) -> list[Turn]:
    """Text as a list of one part."""
    return [
        {**turn, "content": [{"type": "text", "text": turn["content"]}]}
        if isinstance(turn.get("content"), str)
        else turn
        for turn in turns
    ]


def middle_folded(turns: list[Turn]) -> list[Turn]:
    """Instructions after the first turn as what the user says."""
    return merged(
        [
            {"role": "user", "content": turn["content"]}
            if turn["role"] == "system" and place
            else turn
            for place, turn in enumerate(turns)
        ]
    )


def system_folded(turns: list[Turn]) -> list[Turn]:
    """All instructions as what the user says; those at the start open the first question."""
    return merged(
        [
            {"role": "user", "content": turn["content"]} if turn["role"] == "system" else turn
            for turn in turns
        ]
    )


def folded_unless_asked(turns: list[Turn]) -> list[Turn]:
    """All instructions as what the user says, unless a question comes last."""
    return turns if turns and turns[-1]["role"] == "user" else system_folded(turns)


def answers_merged(turns: list[Turn]) -> list[Turn]:
    """Neighbouring turns of the model's as one, as long as neither has calls."""
    joined: list[Turn] = []
    for turn in turns:
        last = joined[-1] if joined else None
        plain = turn["role"] == "assistant" and "tool_calls" not in turn
        if last is not None and plain and last["role"] == "assistant" and "tool_calls" not in last:
            words = "\n".join(filter(None, (last["content"], turn["content"])))
            joined[-1] = {**last, "content": words}
        else:
            joined.append(turn)
    return joined


def user_first(turns: list[Turn]) -> list[Turn]:
    """A conversation that the model begins, with an empty question before it."""
    place = 1 if turns and turns[0]["role"] == "system" else 0
    if len(turns) > place and turns[place]["role"] == "assistant":
        return [*turns[:place], {"role": "user", "content": ""}, *turns[place:]]
    return turns


def one_call_a_turn(turns: list[Turn]) -> list[Turn]:
    """Each call with its result behind it, where turns hold one call each."""
    ordered: list[Turn] = []
    waiting: list[Turn] = []
    for turn in turns:
        if turn["role"] == "tool" and waiting:
            id = turn.get("tool_call_id")
            mine = next((w for w in waiting if w["tool_calls"][0]["id"] == id), waiting[0])
            waiting.remove(mine)
            ordered += [mine, turn]
            continue
        if turn["role"] == "assistant" and len(turn.get("tool_calls", ())) == 1:
            waiting.append(turn)
            continue
        ordered += [*waiting, turn]
        waiting = []
    return [*ordered, *waiting]


def answer_between(turns: list[Turn]) -> list[Turn]:
    """An answer of one space between results and what the user says next."""
    spaced: list[Turn] = []
    for turn in turns:
        if turn["role"] == "user" and spaced and spaced[-1]["role"] == "tool":
            spaced.append({"role": "assistant", "content": " "})
        spaced.append(turn)
    return spaced


def question_between(turns: list[Turn]) -> list[Turn]:
    """A question of one space between what the model says and a turn of its calls."""
    spaced: list[Turn] = []
    for turn in turns:
        last = spaced[-1] if spaced else None
        answered = last is not None and last["role"] == "assistant" and "tool_calls" not in last
        if answered and "tool_calls" in turn:
            spaced.append({"role": "user", "content": " "})
        spaced.append(turn)
    return spaced


def empty_spaced(turns: list[Turn]) -> list[Turn]:
    """An answer of nothing as one of one space."""
    return [
        {**turn, "content": " "}
        if turn["role"] == "assistant" and "tool_calls" not in turn and not turn["content"]
        else turn
        for turn in turns
    ]


def user_somewhere(turns: list[Turn]) -> list[Turn]:
    """A question of one space where nobody asks."""
    if any(turn["role"] == "user" for turn in turns):
        return turns
    return [*turns, {"role": "user", "content": " "}]


def forms(turns: list[Turn]) -> Iterator[list[Turn]]:
    """A history, and forms of it that say no more, for a template that refuses it."""
    yield turns
    together = turns
    for change in (answer_between, question_between, empty_spaced, user_somewhere):
        if (changed := change(turns)) != turns:
            yield changed
            together = change(together)
    yield together


def rewritings(write: Write, calling: Sequence[Turn] = ()) -> tuple[Rewriting, ...]:
    """What a template needs, in the order in which to apply it.

    Args:
        calling: a turn with a call, and its result, where the template writes them.
    """
    needed: list[Rewriting] = []

    def holds(turns: list[Turn], *words: str) -> bool:
        for rewriting in needed:
            turns = rewriting(turns)
        written = write(turns)
        return written is not None and all(word in written for word in words)

    user: Turn = {"role": "user", "content": _ASKED}
    system: Turn = {"role": "system", "content": _TOLD}
    reply: Turn = {"role": "assistant", "content": _SAID}
    more: Turn = {"role": "user", "content": _MORE}

    def mend(turns: list[Turn], words: Sequence[str], *options: Rewriting, last: bool) -> None:
        """Take the first option that lets the words come out, if they did not without."""
        if holds(turns, *words):
            return
        for option in options:
            needed.insert(len(needed) if last else 0, option)
            if holds(turns, *words):
                return
            needed.remove(option)

    mend([user], [_ASKED], as_parts, last=True)
    mend([system, user], [_TOLD, _ASKED], system_folded, last=False)
    first: Turn = {"role": "system", "content": _FIRST}
    middle = [first, user, reply, system, more]
    mend(middle, [_FIRST, _TOLD, _SAID, _MORE], middle_folded, last=False)
    late = {"role": "assistant", "content": _TOLD}
    mend([user, reply, late, more], [_SAID, _TOLD, _MORE], answers_merged, last=False)
    mend([reply, more], [_SAID, _MORE], user_first, last=False)
    if calling:  # some tell of instructions only where the last turn is a question
        mend([system, user, *calling], [_TOLD, _ASKED], folded_unless_asked, last=False)
    return tuple(needed)
