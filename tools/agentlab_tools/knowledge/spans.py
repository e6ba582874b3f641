"""Answers that are a run of a document's own words: the patterns that admit nothing else.

A small model may choose where a run begins and ends. It can't leave a word out, add one, or change
their order: `pattern` is a regular expression of exactly the runs of a text, and `run_of` finds a
model's answer in the text again, so that what is shown is the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 25
"""Words in an answer, at most."""

# marks of Markdown and quotes are no part of a word: a grammar would have to escape them
_WORD = re.compile(r"[^\s\"\\*`_()\[\]{}<>|]+")
_EDGE = ".,;:!?"


@dataclass(frozen=True)
class Word:
    """A word of a text: `text[start:end]`, without the marks around it."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text, in order; a comma or full stop after a word is part of it."""
    found = (Word(one[0], *one.span()) for one in _WORD.finditer(text))
    return [word for word in found if any(map(str.isalnum, word.text))]


def covering(text: str, start: int, end: int) -> tuple[int, int]:
    """Numbers of the first and last word that characters `start` to `end` of a text touch."""
    found = [n for n, word in enumerate(words(text)) if word.start < end and word.end > start]
    return (found[0], found[-1]) if found else (0, -1)


def pattern(texts: Sequence[str], core: tuple[int, int] | None = None) -> str:
    """A regular expression of the runs of words of texts.

    Args:
        texts: a run is of one of them.
        core: numbers of the first and last word, of the first text, that each run must hold.
    """
    if core is not None:
        return f"^{_around([word.text for word in words(texts[0])], *core)}$"
    runs: list[str] = []
    for text in texts:
        said = [word.text for word in words(text)]
        runs += [_onward(said[at : at + LONGEST]) for at in range(len(said))]
    return f"^({'|'.join(dict.fromkeys(runs))})$"


def run_of(answer: str, texts: Sequence[str], core: tuple[int, int] | None = None) -> str | None:
    """The part of a text that an answer says, as it stands there but on one line.

    Commas and full stops at its end are left out. None if the answer is no such part.
    """
    wanted = [part.strip(_EDGE) for part in answer.split()]
    if not wanted:
        return None
    for text in texts:
        there = words(text)
        said = [word.text.strip(_EDGE) for word in there]
        for at in range(len(said) - len(wanted) + 1):
            holds = core is None or (at <= core[0] and core[1] < at + len(wanted))
            if said[at : at + len(wanted)] == wanted and holds:
                end = there[at + len(wanted) - 1].end
                part = text[there[at].start : end]
                if part.count("(") > part.count(")") and text[end : end + 1] == ")":
                    part += ")"
                return " ".join(part.split()).rstrip(_EDGE)
    return None


def _onward(said: Sequence[str]) -> str:
    """The first word, and any number of those after it."""
    made = ""
    for n in range(len(said) - 1, 0, -1):
        made = f"( {_word(said[n])}{made})?"
    return f"{_word(said[0])}{made}"


def _around(said: Sequence[str], first: int, last: int) -> str:
    """A run of words, any number of those just before it, and of those just after."""
    room = max(0, LONGEST - (last - first + 1)) // 2
    before = ""
    for n in range(max(0, first - room), first):
        before = f"({before}{re.escape(said[n])} )?"
    core = " ".join(re.escape(word) for word in said[first:last])
    core += (" " if core else "") + _word(said[last])
    after = ""
    for n in range(min(len(said) - 1, last + room), last, -1):
        after = f"( {_word(said[n])}{after})?"
    return f"{before}{core}{after}"


def _word(word: str) -> str:
    # an answer may end at any word, and then without the comma that follows it; `run_of` puts back
    # one that was left out before that
    bare = word.rstrip(_EDGE)
    if not bare or bare == word:
        return re.escape(word)
    return f"{re.escape(bare)}({re.escape(word[len(bare) :])})?"
