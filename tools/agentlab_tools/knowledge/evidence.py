"""The sentences of passages that bear on a question, each with what the reader makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentlab_tools.knowledge.embed.minilm import MiniLM
from agentlab_tools.knowledge.read import (
    covered,
    kind,
    named,
    of_kind,
    own,
    probability,
    read,
    worth,
)
from agentlab_tools.knowledge.retrieve import Found, Span, sentences
from agentlab_tools.knowledge.types import Embedder, Source
from agentlab_tools.lexical import query_terms, terms

LONGEST = 600
"""Characters of a sentence that are cited, at most."""

_WINDOW = 380
"""Characters the reader sees at once: what it was trained on."""
_LEAST = 12
_LEXICAL = 0.2
"""What all of a question's words in a sentence add to its cosine."""
_GAP = 0.08
"""How much less than the best a further sentence may score."""


@dataclass(frozen=True)
class Citation:
    """Words of a document that bear an answer out.

    Attributes:
        source: where these words stand.
        chunk: the id of the passage they are in.
        quote: the words, as they stand there.
    """

    source: Source
    chunk: str
    quote: str


@dataclass(frozen=True)
class Evidence:
    """A sentence that was read for an answer.

    Attributes:
        citation: the sentence.
        start: in its quote, in characters, of what the question asks for, and `end`, likewise: the
            one name, number or time it can be, or else the whole of the quote.
        probability: that the sentence answers.
        parts: what the probability is made of (see `read.verdict`).
    """

    citation: Citation
    start: int
    end: int
    probability: float
    parts: dict[str, float]


def weighed(question: str, found: Sequence[Found], minilm: MiniLM) -> list[Evidence]:
    """Every sentence of passages, read for an answer; the likeliest first, each once."""
    windows = [window for one in found for window in _windows(one)]
    if not windows:
        return []
    told = worth(question, [_under_headings(one.source, one.chunk.text) for one in found])
    shares = [covered(told, _under_headings(one.found.source, one.text)) for one in windows]
    prior = [_LEXICAL * share for share in shares]
    readings = read(question, [window.text for window in windows], minilm, prior)
    best: dict[str, Evidence] = {}
    for number, reading in readings.items():
        window = windows[number]
        span = window.spans[-1]
        passage = _under_headings(window.found.source, window.found.chunk.text)
        quote = span.text[:LONGEST]
        parts = {
            "judged": reading.judged,
            "cosine": reading.cosine,
            "nearest": window.found.parts.get("dense", 0.0),
            "covered": shares[number],
            "own": own(question, quote),
            "named": named(question, passage),
            "kind": kind(question, quote),
        }
        there = of_kind(question, quote) or []
        start, end = there[0] if len(there) == 1 else (0, len(quote))
        made = Evidence(
            cited(window.found, span.start, quote), start, end, probability(parts), parts
        )
        said = " ".join(quote.split())  # overlapping passages repeat sentences
        if said not in best or best[said].probability < made.probability:
            best[said] = made
    return sorted(best.values(), key=lambda one: -one.probability)


def nearest(
    question: str, found: Sequence[Found], embedder: Embedder, most: int
) -> tuple[Citation, ...]:
    """The sentences of passages that are nearest to a question: by meaning, and by its words."""
    asked = query_terms(question)
    candidates: list[Citation] = []
    headed: list[str] = []
    seen: set[str] = set()
    for one in found:
        for span in sentences(one.chunk.text):
            quote = span.text[:LONGEST]
            said = " ".join(quote.split())
            if len(said) < _LEAST or said in seen:  # overlapping passages repeat sentences
                continue
            seen.add(said)
            candidates.append(cited(one, span.start, quote))
            headed.append(f"{one.source.heading.rpartition(' > ')[2]}: {said}")
    if not candidates:
        return ()
    vectors = embedder.embed([question, *headed])
    held = [set(asked) & set(terms(text)) for text in headed]
    # a word that many of them have tells less
    share = {word: 1 / (1 + sum(word in words for words in held)) for word in asked}
    total = sum(share.values()) or 1.0
    cosines = (vectors[1:] @ vectors[0]).tolist()
    scores = [
        cosine + _LEXICAL * sum(share[word] for word in sorted(words)) / total
        for cosine, words in zip(cosines, held, strict=True)
    ]
    order = sorted(range(len(scores)), key=lambda n: -scores[n])[:most]
    return tuple(candidates[n] for n in order if scores[n] >= scores[order[0]] - _GAP)


def cited(one: Found, start: int, quote: str) -> Citation:
    """A part of a passage, from a character on, as a citation with the lines it stands on."""
    first = one.source.start + one.chunk.text.count("\n", 0, start)
    last = first + quote.count("\n")
    source = Source(one.source.file, first, last, one.source.heading, one.source.page)
    return Citation(source, one.chunk.id, quote)


@dataclass(frozen=True)
class _Window:
    """A sentence with the one before it, where both are short enough."""

    found: Found
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        return self.spans[0].start

    @property
    def text(self) -> str:
        whole = self.found.chunk.text[self.start : self.spans[-1].end]
        # of one length with the passage's own text, so that a place in it is a place there
        return whole.replace("\n", " ")[:LONGEST]


def _windows(one: Found) -> list[_Window]:
    spans = [s for s in sentences(one.chunk.text) if len(" ".join(s.text.split())) >= _LEAST]
    made: list[_Window] = []
    for n, span in enumerate(spans):
        before = spans[n - 1] if n else None
        if before is not None and span.end - before.start <= _WINDOW:
            made.append(_Window(one, (before, span)))
        else:
            made.append(_Window(one, (span,)))
    return made


def _under_headings(source: Source, text: str) -> str:
    return f"{source.heading}\n{text}" if source.heading else text
