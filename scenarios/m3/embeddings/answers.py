"""Starters, reference solutions, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_SCORES = """import numpy as np


def nearest(query, vectors, k):
    scores = {scores}
    return np.argsort({order})[:k]
"""
NEAREST = programs(
    starter='''import numpy as np


def nearest(query, vectors, k):
    """The numbers of the k rows of `vectors` most similar to `query` by cosine, best first."""
    return list(range(k))
''',
    solution=_SCORES.format(
        scores="vectors @ query / np.linalg.norm(vectors, axis=1)", order="-scores"
    ),
    wrong={
        "lengths-count": _SCORES.format(scores="vectors @ query", order="-scores"),
        "distance": _SCORES.format(
            scores="np.linalg.norm(vectors - query, axis=1)", order="scores"
        ),
        "worst-first": _SCORES.format(
            scores="vectors @ query / np.linalg.norm(vectors, axis=1)", order="scores"
        ),
        "only-the-query-normalised": _SCORES.format(
            scores="vectors @ (query / np.linalg.norm(query))", order="-scores"
        ),
    },
)


def _recall(line: str) -> str:
    return f"def recall(ranked, right, k):\n    return {line}\n"


RECALL = programs(
    starter='''def recall(ranked, right, k):
    """The share of `right` (a set) that is among the first k of `ranked` (a list)."""
    return 1.0
''',
    solution=_recall("len(set(ranked[:k]) & right) / len(right)"),
    wrong={
        "precision": _recall("len(set(ranked[:k]) & right) / k"),
        "any-hit": _recall("float(bool(set(ranked[:k]) & right))"),
        "one-too-few": _recall("len(set(ranked[: k - 1]) & right) / len(right)"),
        "everything-found": _recall("len(set(ranked) & right) / len(right)"),
    },
)

_FUSE = """def fuse(by_words, by_meaning):
    scores = {}
    for ranking in (by_words, by_meaning):
        for rank, article in enumerate(ranking, 1):
            scores[article] = scores.get(article, 0) + 1 / (20 + rank)
    return sorted(scores, key=lambda article: -scores[article])
"""
FUSE = programs(
    starter='''def fuse(by_words, by_meaning):
    """One ranking of article numbers out of two. Not every article is in `by_words`."""
    return by_meaning
''',
    solution=_FUSE,
    wrong={
        "words-alone": "def fuse(by_words, by_meaning):\n    return by_words\n",
        "one-after-the-other": (
            "def fuse(by_words, by_meaning):\n"
            "    return by_words + [n for n in by_meaning if n not in by_words]\n"
        ),
        "worst-ranks-win": _FUSE.replace("1 / (20 + rank)", "rank"),
        "article-twice": (
            "def fuse(by_words, by_meaning):\n"
            "    return [n for pair in zip(by_words, by_meaning) for n in pair]\n"
        ),
    },
)
