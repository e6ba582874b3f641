"""Does a passage answer a question? A probability, of what the reader says and of plain evidence.

The evidence, each a number that grows with an answer being there:

    judged    the reader's logit of the text answering
    cosine    of question and text, by meaning
    nearest   of question and the passage that the text is in
    covered   the share of the question's words in the text and the headings above it, each word
              weighted by how few of the passages found have it
    own       the share of the question's words in the sentence itself, without the one before it
    named     the share of the question's names and numbers that the passage has
    kind      whether the text has something of the kind asked for that the question has not: a
              number to "how many", a name to "who"

They are weighed by a logistic regression (`benchmarks/absent.py --fit`); docs/knowledge.md has
its error rates.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from agentlab_tools.lexical import query_terms, terms

EVIDENCE = ("judged", "cosine", "nearest", "covered", "own", "named", "kind")

_SCALE = Path(__file__).with_name("verdict.json")

_COUNT = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|sixteen|"
    r"nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|"
    r"billion|half|third|quarter|once|twice|dozen|both|none"
)
_NUMBER = re.compile(
    rf"[$€£]?(?:\d[\d,.]*\d|\d|\b(?:{_COUNT})\b)"
    rf"(?:[ -](?:\d[\d,.]*|(?:{_COUNT})\b))*(?: ?%| \w+)?",
    re.IGNORECASE,
)
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_WHEN = re.compile(
    rf"(?:\b(?:{_MONTH})(?: \d{{1,2}})?,? ?)?"
    r"(?:\b\d{3,4}s?\b|\b\d{1,2}(?:st|nd|rd|th) century)|"
    rf"\b(?:{_MONTH}) \d{{1,2}}\b|\b(?:in|since|until|by|every) (?:{_MONTH})\b|"
    r"\b(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b|"
    r"\b(?:spring|summer|autumn|winter|dusk|dawn|midnight|noon|o'clock)\b"
)
_NAMED = re.compile(
    r"\b[A-Z\u00c0-\u00de][\w'’.-]*"
    r"(?:(?: (?:of|the|de|van|von|la|and))? [A-Z\u00c0-\u00de][\w'’-]*)*"
)
_NAME = re.compile(r"\b[A-Z\u00c0-\u00de]")
_ASKS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(r"\bhow (?:many|much|long|old|far|tall|high|large|big|deep|wide|often)\b"),
        _NUMBER,
    ),
    (re.compile(r"\b(?:when|(?:what|which) (?:year|date|day|month|century))\b"), _WHEN),
    (re.compile(r"\bwho(?:se|m)?\b"), _NAMED),
    (re.compile(r"\bwhere\b"), _NAMED),
)


def worth(question: str, passages: Sequence[str]) -> dict[str, float]:
    """What each word of a question tells: less, the more of the passages have it."""
    asked = query_terms(question)
    held = [set(terms(passage)) for passage in passages]
    return {w: math.log((len(held) + 1) / (1 + sum(w in h for h in held))) + 0.5 for w in asked}


def covered(weights: Mapping[str, float], text: str) -> float:
    """The share of the question's words that a text has, by weight."""
    there = set(terms(text))
    total = sum(weights.values())
    return sum(value for word, value in weights.items() if word in there) / total if total else 0.0


def own(question: str, sentence: str) -> float:
    """The share of the question's words that a sentence has."""
    asked = set(query_terms(question))
    return len(asked & set(terms(sentence))) / len(asked)


def named(question: str, passage: str) -> float:
    """The share of a question's names and numbers that are in a passage; 1 if it has none."""
    # the first word is written large in any case
    words = question.split()[1:]
    marked = [word for word in words if _NAME.match(word) or re.search(r"\d", word)]
    wanted = set(terms(" ".join(marked)))
    return len(wanted & set(terms(passage))) / len(wanted) if wanted else 1.0


def of_kind(question: str, text: str) -> list[tuple[int, int]] | None:
    """Where a text has what the question asks for, by its kind, in characters.

    What the question says itself is left out. None where a question asks for no such kind.
    """
    for asks, wanted in _ASKS:
        if asks.search(question.lower()):
            said = set(terms(question))
            spans = [found.span() for found in wanted.finditer(text)]
            # a sentence begins with a capital whatever its first word is
            spans = [s for s in spans if s[0] or wanted is not _NAMED or " " in text[s[0] : s[1]]]
            return [(a, b) for a, b in spans if not set(terms(text[a:b])) & said]
    return None


def kind(question: str, text: str) -> float:
    """1 if a text has what is asked for by its kind, -1 if it hasn't, 0 if any would do."""
    there = of_kind(question, text)
    return 0.0 if there is None else 1.0 if there else -1.0


def probability(evidence: Mapping[str, float]) -> float:
    """How likely the text answers the question."""
    scale = calibration()
    total = scale["intercept"] + sum(scale[name] * evidence[name] for name in EVIDENCE)
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@lru_cache(maxsize=1)
def calibration() -> dict[str, float]:
    """The weights of the evidence, `intercept`, and `least`, the probability to answer from."""
    found: dict[str, float] = json.loads(_SCALE.read_text(encoding="utf-8"))
    return found
