"""The articles and questions of this lab, with real vectors, made once in a process.

`questions.tsv` holds questions on the library that comes along, each with grades of its articles: 2
answers it, 1 touches on it. They were written from the articles before any search was run.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.lexical import LexicalIndex, Passage
from agentlab_tools.search import LIBRARY

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHARS = 700
_SCALE_SEED = 5


@dataclass(frozen=True)
class Question:
    """A question, and the numbers of the articles that answer it or touch on it."""

    text: str
    right: frozenset[int]


@dataclass(frozen=True)
class World:
    """Everything that is known about the articles and the questions.

    Attributes:
        names: of the articles, by number.
        texts: how each begins.
        vectors: of the texts, with lengths that mean nothing: (articles, 384).
        asked: vectors of the questions: (questions, 384).
        by_words: for each question the articles by BM25, those without a common word left out.
        by_meaning: for each question all articles by cosine.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    questions: tuple[Question, ...]
    vectors: NDArray[Any]
    asked: NDArray[Any]
    by_words: tuple[tuple[int, ...], ...]
    by_meaning: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=1)
def world() -> World:
    """The articles, embedded by MiniLM; takes a second or two."""
    import numpy as np

    files = sorted(LIBRARY.glob("*.md"))
    texts = tuple(_begins(file.read_text(encoding="utf-8")) for file in files)
    names = tuple(file.stem for file in files)
    questions = tuple(_questions({name: n for n, name in enumerate(names)}))
    embedder = open_embedder()
    vectors = embedder.embed(texts)
    asked = embedder.embed([question.text for question in questions])
    lengths = np.random.default_rng(_SCALE_SEED).uniform(0.3, 3, (len(texts), 1))
    index = LexicalIndex(
        Passage(source=str(n), heading="", line=1, text=t) for n, t in enumerate(texts)
    )
    words = [
        tuple(int(hit.passage.source) for hit in index.search(question.text, len(texts)))
        for question in questions
    ]
    meaning = np.argsort(-(asked @ vectors.T), axis=1)
    return World(
        names=names,
        texts=texts,
        questions=questions,
        vectors=(vectors * lengths).astype(np.float32),
        asked=(asked * 2.5).astype(np.float32),
        by_words=tuple(words),
        by_meaning=tuple(tuple(int(n) for n in row) for row in meaning),
    )


def _begins(text: str) -> str:
    plain = re.sub(r"[#*`]", "", text)
    return " ".join(plain[:_CHARS].rpartition(".")[0].split()) + "."


def _questions(numbers: dict[str, int]) -> list[Question]:
    with Path(__file__).with_name("questions.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter="\t") if row and row[0][0] != "#"]
    return [
        Question(text, frozenset(numbers[pair.partition("=")[0]] for pair in grades.split()))
        for text, grades in rows
    ]


def recall(ranked: tuple[int, ...] | list[int], right: frozenset[int], k: int) -> float:
    """The share of the right ones among the first k."""
    return len(set(ranked[:k]) & right) / len(right)
