"""The part of a passage that is worth quoting for a query."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from agentlab_tools.knowledge.types import Embedder
from agentlab_tools.lexical import query_terms, terms

MAX_CHARS = 300

# A sentence ends at . ! ? before a space and something that may begin another, or at a blank line
_ENDS = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][\"'”’)\]]))\s+(?=[\"'“‘(\[]?[A-Z0-9À-Þ])|\n\s*\n|\n(?=[-*#|>] ?)"
)


@dataclass(frozen=True)
class Span:
    """A part of a text, word for word: `text == passage[start:end]`."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences of a text, in order, without the space around them."""
    spans: list[Span] = []
    at = 0
    for mark in [*_ENDS.finditer(text), None]:
        end = mark.start() if mark else len(text)
        piece = text[at:end]
        start = at + len(piece) - len(piece.lstrip())
        stop = at + len(piece.rstrip())
        if start < stop:
            spans.append(Span(text[start:stop], start, stop))
        at = mark.end() if mark else len(text)
    return spans


def quotable(text: str, query: str, embedder: Embedder | None = None) -> Span:
    """The sentence of a passage that matches a query best, with its neighbour if both match.

    A sentence matches by the query's words that are in it. Where no sentence has one, the embedder
    decides if there is one; otherwise it is the first. A sentence longer than `MAX_CHARS` is cut.
    """
    spans = sentences(text)
    if not spans:
        return Span("", 0, 0)
    wanted = set(query_terms(query))
    hits = [wanted & set(terms(span.text)) for span in spans]
    # A word that every sentence of the passage has says nothing about which to quote
    among = {word: sum(word in hit for hit in hits) for word in wanted}
    weight = {word: math.log(1 + len(spans) / count) for word, count in among.items() if count}
    gains = [sum(weight[word] for word in sorted(hit)) for hit in hits]
    best = max(range(len(spans)), key=lambda at: (gains[at], -at))
    if not hits[best] and embedder is not None and len(spans) > 1:
        vectors = embedder.embed([query, *(span.text for span in spans)])
        best = int((vectors[1:] @ vectors[0]).argmax())
    start, end = spans[best].start, spans[best].end
    for near in (best + 1, best - 1):
        if 0 <= near < len(spans) and hits[near] - hits[best]:
            first, last = min(start, spans[near].start), max(end, spans[near].end)
            if last - first <= MAX_CHARS:
                start, end = first, last
                break
    end = min(end, start + MAX_CHARS)
    return Span(text[start:end], start, end)
