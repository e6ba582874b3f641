"""Starters, reference solutions, and answers that look right."""

from __future__ import annotations

from agentlab.labs import CodeAnswer

NEAREST_STARTER = CodeAnswer(
    code='''import numpy as np


def nearest(query, vectors, k):
    """The numbers of the k rows of `vectors` most similar to `query` by cosine, best first."""
    return list(range(k))
'''
)
_SCORES = """import numpy as np


def nearest(query, vectors, k):
    scores = {scores}
    return np.argsort({order})[:k]
"""
NEAREST = CodeAnswer(
    code=_SCORES.format(scores="vectors @ query / np.linalg.norm(vectors, axis=1)", order="-scores")
)
NEAREST_WRONG = {
    "lengths-count": CodeAnswer(code=_SCORES.format(scores="vectors @ query", order="-scores")),
    "distance": CodeAnswer(
        code=_SCORES.format(scores="np.linalg.norm(vectors - query, axis=1)", order="scores")
    ),
    "worst-first": CodeAnswer(
        code=_SCORES.format(
            scores="vectors @ query / np.linalg.norm(vectors, axis=1)", order="scores"
        )
    ),
    "only-the-query-normalised": CodeAnswer(
        code=_SCORES.format(scores="vectors @ (query / np.linalg.norm(query))", order="-scores")
    ),
}

RECALL_STARTER = CodeAnswer(
    code='''def recall(ranked, right, k):
    """The share of `right` (a set) that is among the first k of `ranked` (a list)."""
    return 1.0
'''
)


def _recall(line: str) -> CodeAnswer:
    return CodeAnswer(code=f"def recall(ranked, right, k):\n    return {line}\n")


RECALL = _recall("len(set(ranked[:k]) & right) / len(right)")
RECALL_WRONG = {
    "precision": _recall("len(set(ranked[:k]) & right) / k"),
    "any-hit": _recall("float(bool(set(ranked[:k]) & right))"),
    "one-too-few": _recall("len(set(ranked[: k - 1]) & right) / len(right)"),
    "everything-found": _recall("len(set(ranked) & right) / len(right)"),
}

FUSE_STARTER = CodeAnswer(
    code='''def fuse(by_words, by_meaning):
    """One ranking of article numbers out of two. Not every article is in `by_words`."""
    return by_meaning
'''
)
FUSE = CodeAnswer(
    code="""def fuse(by_words, by_meaning):
    scores = {}
    for ranking in (by_words, by_meaning):
        for rank, article in enumerate(ranking, 1):
            scores[article] = scores.get(article, 0) + 1 / (20 + rank)
    return sorted(scores, key=lambda article: -scores[article])
"""
)
FUSE_WRONG = {
    "words-alone": CodeAnswer(
        code="def fuse(by_words, by_meaning):\n    return by_words\n",
    ),
    "one-after-the-other": CodeAnswer(
        code=(
            "def fuse(by_words, by_meaning):\n"
            "    return by_words + [n for n in by_meaning if n not in by_words]\n"
        ),
    ),
    "worst-ranks-win": CodeAnswer(code=FUSE.code.replace("1 / (20 + rank)", "rank")),
    "article-twice": CodeAnswer(
        code=(
            "def fuse(by_words, by_meaning):\n"
            "    return [n for pair in zip(by_words, by_meaning) for n in pair]\n"
        ),
    ),
}
