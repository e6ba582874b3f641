"""Starters, reference solutions, other right answers, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_SOFTMAX = """import numpy as np


def softmax(scores, temperature=1.0):
    shifted = (scores - scores.max(axis=-1, keepdims=True)) / temperature
    powers = np.exp(shifted)
    return powers / powers.sum(axis=-1, keepdims=True)
"""
SOFTMAX = programs(
    starter='''import numpy as np


def softmax(scores, temperature=1.0):
    """Probabilities from scores of any shape, along the last axis; `scores` stays as it is."""
    powers = np.exp(scores / temperature)
    return powers / powers.sum()
''',
    solution=_SOFTMAX,
    also={
        "by-logarithms": """import numpy as np


def softmax(scores, temperature=1.0):
    scaled = np.asarray(scores, dtype=np.float64) / temperature
    top = scaled.max(-1)[..., None]
    return np.exp(scaled - top - np.log(np.exp(scaled - top).sum(-1)[..., None]))
""",
        "in-a-copy": """import numpy as np


def softmax(scores, temperature=1.0):
    out = np.array(scores)
    out -= np.max(out, axis=-1, keepdims=True)
    out /= temperature
    np.exp(out, out=out)
    out /= np.sum(out, axis=-1, keepdims=True)
    return out
""",
        "row-by-row": """import numpy as np


def softmax(scores, temperature=1.0):
    rows = scores.reshape(-1, scores.shape[-1])
    done = []
    for row in rows:
        weights = np.exp((row - max(row)) / temperature)
        done.append(weights / np.sum(weights))
    return np.stack(done).reshape(scores.shape)
""",
        "powers-of-two": """import numpy as np


def softmax(scores, temperature=1.0):
    highest = np.expand_dims(scores.max(-1), -1)
    weights = np.exp2((scores - highest) * (np.log2(np.e) / temperature))
    return np.divide(weights, np.expand_dims(weights.sum(-1), -1))
""",
    },
    wrong={
        "overflows-when-cold": """import numpy as np


def softmax(scores, temperature=1.0):
    powers = np.exp(scores / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)
""",
        "one-sum-for-all": """import numpy as np


def softmax(scores, temperature=1.0):
    powers = np.exp((scores - scores.max()) / temperature)
    return powers / powers.sum()
""",
        "first-axis": """import numpy as np


def softmax(scores, temperature=1.0):
    powers = np.exp((scores - scores.max(axis=0, keepdims=True)) / temperature)
    return powers / powers.sum(axis=0, keepdims=True)
""",
        "in-place": """import numpy as np


def softmax(scores, temperature=1.0):
    scores -= scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)
""",
        "in-place-by-a-view": """import numpy as np


def softmax(scores, temperature=1.0):
    rows = scores.reshape(-1, scores.shape[-1])
    rows -= rows.max(axis=-1, keepdims=True)
    powers = np.exp(rows / temperature)
    return (powers / powers.sum(axis=-1, keepdims=True)).reshape(scores.shape)
""",
        "temperature-multiplied": _SOFTMAX.replace("/ temperature", "* temperature"),
        "flattened": """import numpy as np


def softmax(scores, temperature=1.0):
    rows = scores.reshape(-1, scores.shape[-1])
    powers = np.exp((rows - rows.max(axis=1, keepdims=True)) / temperature)
    return powers / powers.sum(axis=1, keepdims=True)
""",
    },
    mistakes={
        "overflows-when-cold": "are nan or infinite",
        "one-sum-for-all": "a probability is off",
        "first-axis": "a probability is off",
        "in-place": "kept",
        "in-place-by-a-view": "kept",
        "temperature-multiplied": "a probability is off",
        "flattened": "its shape is",
    },
)

NEAREST = programs(
    starter='''import numpy as np


def nearest(queries, vectors, k):
    """For each query the numbers of the k rows nearest by cosine, best first: (queries, k)."""
    found = []
    for query in queries:
        scores = []
        for vector in vectors:
            lengths = np.sqrt(query @ query) * np.sqrt(vector @ vector)
            scores.append((query @ vector) / lengths)
        found.append(sorted(range(len(vectors)), key=lambda n: -scores[n])[:k])
    return np.array(found)
''',
    solution="""import numpy as np


def nearest(queries, vectors, k):
    lengths = np.linalg.norm(vectors, axis=1)
    scores = queries @ vectors.T / lengths
    return np.argsort(-scores, axis=1)[:, :k]
""",
    also={
        "cut-first-then-sorted": """import numpy as np


def nearest(queries, vectors, k):
    units = vectors / np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    scores = queries @ units.T
    some = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1)
    return np.take_along_axis(some, order, axis=1)
""",
        "one-query-at-a-time": """import numpy as np


def nearest(queries, vectors, k):
    lengths = np.linalg.norm(vectors, axis=1)
    found = np.empty((len(queries), k), dtype=int)
    for row, query in enumerate(queries):
        found[row] = np.argsort(vectors @ query / lengths)[::-1][:k]
    return found
""",
        "einsum": """import numpy as np


def nearest(queries, vectors, k):
    squares = np.einsum("nd,nd->n", vectors, vectors)
    cosines = np.einsum("qd,nd->qn", queries, vectors, optimize=True) / np.sqrt(squares)
    return cosines.argsort(axis=1)[:, -k:][:, ::-1]
""",
        "by-distance-of-units": """import numpy as np


def nearest(queries, vectors, k):
    def unit(rows):
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

    a, b = unit(queries), unit(vectors)
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * a @ b.T
    return np.argsort(squared, axis=1)[:, :k]
""",
    },
    wrong={
        "all-at-once": """import numpy as np


def nearest(queries, vectors, k):
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = (queries[:, None, :] * units[None, :, :]).sum(axis=-1)
    return np.argsort(-scores, axis=1)[:, :k]
""",
        "the-loop-in-one-line": """import numpy as np


def nearest(queries, vectors, k):
    return np.array([
        np.argsort([-(q @ v) / np.linalg.norm(v) for v in vectors])[:k] for q in queries
    ])
""",
        "vectorize": """import numpy as np


def nearest(queries, vectors, k):
    cosine = np.vectorize(lambda q, v: q @ v / np.sqrt(v @ v), signature="(d),(d)->()")
    scores = cosine(queries[:, None, :], vectors[None, :, :])
    return np.argsort(-scores, axis=1)[:, :k]
""",
        "lengths-left-in": """import numpy as np


def nearest(queries, vectors, k):
    return np.argsort(-(queries @ vectors.T), axis=1)[:, :k]
""",
        "lengths-of-columns": """import numpy as np


def nearest(queries, vectors, k):
    units = vectors / np.linalg.norm(vectors, axis=0)
    return np.argsort(-(queries @ units.T), axis=1)[:, :k]
""",
        "normalised-in-place": """import numpy as np


def nearest(queries, vectors, k):
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.argsort(-(queries @ vectors.T), axis=1)[:, :k]
""",
        "transposed": """import numpy as np


def nearest(queries, vectors, k):
    scores = vectors @ queries.T / np.linalg.norm(vectors, axis=1)[:, None]
    return np.argsort(-scores, axis=0)[:k]
""",
    },
    mistakes={
        "all-at-once": "memory",
        "the-loop-in-one-line": "speed",
        "vectorize": "speed",
        "lengths-left-in": "is not the nearest left",
        "lengths-of-columns": "is not the nearest left",
        "normalised-in-place": "kept",
        "transposed": "its shape is",
    },
)

_SPEAK_STARTER = '''import numpy as np


def next_token(scores, k, temperature, die):
    """One of the k best tokens, by its share of the line from 0 to 1 that `die` falls on."""
    return int(np.argmax(scores))
'''
_SPEAK = """import numpy as np


def next_token(scores, k, temperature, die):
    best = np.argsort(-scores, kind="stable")[:k]
    powers = np.exp((scores[best] - scores[best[0]]) / temperature)
    ends = np.cumsum(powers / powers.sum())
    place = np.searchsorted(ends, die, side="right")
    return int(best[min(place, k - 1)])
"""
_SPEAK_WRONG = {
    "always-the-best": _SPEAK_STARTER.replace('"""One', '"""The best'),
    "shares-of-all": """import numpy as np


def next_token(scores, k, temperature, die):
    order = np.argsort(-scores, kind="stable")
    powers = np.exp((scores[order] - scores[order[0]]) / temperature)
    ends = np.cumsum(powers / powers.sum())[:k]
    return int(order[min(np.searchsorted(ends, die, side="right"), k - 1)])
""",
    "worst-first": _SPEAK.replace("[:k]\n", "[:k][::-1]\n"),
    "as-they-fall": """import numpy as np


def next_token(scores, k, temperature, die):
    best = np.argpartition(-scores, k - 1)[:k]
    powers = np.exp((scores[best] - scores.max()) / temperature)
    ends = np.cumsum(powers / powers.sum())
    return int(best[min(np.searchsorted(ends, die, side="right"), k - 1)])
""",
    "temperature-forgotten": _SPEAK.replace(" / temperature", ""),
    "all-alike": """import numpy as np


def next_token(scores, k, temperature, die):
    best = np.argsort(-scores, kind="stable")[:k]
    return int(best[int(die * k)])
""",
    "the-place-not-the-token": _SPEAK.replace("int(best[min(place, k - 1)])", "int(place)"),
    "scores-spoilt": """import numpy as np


def next_token(scores, k, temperature, die):
    order = np.argsort(-scores, kind="stable")
    scores[order[k:]] = -np.inf
    powers = np.exp((scores[order] - scores[order[0]]) / temperature)
    ends = np.cumsum(powers / powers.sum())
    return int(order[min(np.searchsorted(ends, die, side="right"), k - 1)])
""",
}
SPEAK = programs(
    starter=_SPEAK_STARTER,
    solution=_SPEAK,
    also={
        "without-numpy": """from heapq import nlargest
from math import exp


def next_token(scores, k, temperature, die):
    best = nlargest(k, enumerate(scores.tolist()), key=lambda pair: pair[1])
    weights = [exp((score - best[0][1]) / temperature) for _, score in best]
    left = die * sum(weights)
    for (token, _), weight in zip(best, weights):
        left -= weight
        if left < 0:
            break
    return token
""",
        "cut-first": """import numpy as np


def next_token(scores, k, temperature, die):
    some = np.argpartition(scores, -k)[-k:]
    some = some[np.argsort(scores[some])[::-1]]
    weights = np.exp((scores[some] - scores.max()) / temperature)
    return some[np.argmax(np.cumsum(weights) > die * weights.sum())]
""",
        "the-rest-impossible": """import numpy as np


def next_token(scores, k, temperature, die):
    scaled = scores.astype(np.float64) / temperature
    order = np.argsort(-scaled, kind="stable")
    scaled[order[k:]] = -np.inf
    shares = np.exp(scaled - scaled.max())
    shares /= shares.sum()
    passed = (np.cumsum(shares[order]) <= die).sum()
    return order[min(passed, k - 1)]
""",
    },
    wrong=_SPEAK_WRONG,
    mistakes={
        **dict.fromkeys(_SPEAK_WRONG, "the dice chose"),
        "scores-spoilt": "scores were changed",
    },
)
