"""What the learner's functions are tried on; `expect` is known to the checks only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from agentlab.labs import Case

from .speaking import ROWS, logits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHAPES = ("one row", "some rows", "a block of rows")
_QUERIES = 40
_LOOKED_AT = 40


@lru_cache(maxsize=1)
def sentences() -> tuple[list[str], NDArray[Any]]:
    """The sentences, and their vectors by MiniLM: (sentences, 384), float32."""
    import numpy as np

    with np.load(Path(__file__).with_name("sentences.npz")) as file:
        return list(map(str, file["texts"])), file["vectors"].astype(np.float32)


def scores(rng: Random, count: int) -> Sequence[Case]:
    """The model's scores in some shape, at some temperature; `expect` is some probabilities."""
    import numpy as np

    cases: list[Case] = []
    for n in range(count):
        rows = sorted(rng.sample(range(ROWS), (1, 5, 6)[n % 3]))
        shape = ((), (5,), (2, 3))[n % 3]
        cold = rng.choice((0.05, 0.08, 0.1))
        temperature = (1.0, rng.choice((0.5, 0.7, 1.5)), cold)[(n // 3 + n) % 3]
        given = logits()[rows].reshape(*shape, -1)
        right = _softmax(given.astype(np.float64) / temperature)
        at = _places(rng, right)
        code = _SOFTMAX.format(rows=rows, shape=shape, temperature=temperature, at=at)
        expect = {"shape": list(right.shape), "at": right.ravel()[at].tolist()}
        title = f"{_SHAPES[n % 3]} at temperature {temperature:g}"
        cases.append(Case(code, expect, title=title))
    return cases


def _softmax(scores: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _places(rng: Random, right: NDArray[Any]) -> list[int]:
    """Where to look: at the largest of each row, and anywhere."""
    import numpy as np

    flat = right.reshape(-1, right.shape[-1])
    best = np.argsort(-flat, axis=1)[:, :5] + np.arange(len(flat))[:, None] * flat.shape[1]
    return [*best.ravel().tolist(), *(rng.randrange(right.size) for _ in range(_LOOKED_AT))]


_SOFTMAX = """import json, numpy
given = numpy.load('logits.npy')[{rows}].reshape(*{shape}, -1)
before = given.copy()
found = numpy.asarray(softmax(given, {temperature}))
flat = found.reshape(-1, found.shape[-1]).astype(float)
at = [float(found.ravel()[n]) if n < found.size else 0.0 for n in {at}]
print(json.dumps(dict(
    shape=list(found.shape), bad=int((~numpy.isfinite(flat)).sum()),
    at=at, sum=float(numpy.nan_to_num(flat).sum(-1).flat[0]),
    kept=bool((given == before).all()),
)))"""


def searches(rng: Random, count: int) -> Sequence[Case]:
    """Sentences of which the nearest are looked for; `expect` has the cosines, and the best."""
    import numpy as np

    _, vectors = sentences()
    cases: list[Case] = []
    for _ in range(count):
        k, seed = rng.randint(3, 8), rng.randrange(1000)
        numbers = rng.sample(range(len(vectors)), _QUERIES)
        given = vectors * _lengths(seed, len(vectors))
        unit = given.astype(np.float64) / np.linalg.norm(given, axis=1, keepdims=True)
        cosines = unit[numbers] @ unit.T
        order = np.argsort(-cosines, axis=1)
        expect = {
            "shape": [_QUERIES, k],
            "cosines": [
                {int(n): float(row[n]) for n in ranks[: k + 30]}
                for row, ranks in zip(cosines, order, strict=True)
            ],
            "best": [
                [float(row[n]) for n in ranks[:k]]
                for row, ranks in zip(cosines, order, strict=True)
            ],
        }
        code = _NEAREST.format(numbers=numbers, k=k, seed=seed)
        title = f"the {k} nearest of {len(vectors)} to each of {_QUERIES}"
        cases.append(Case(code, expect, title=title))
    return cases


def _lengths(seed: int, count: int) -> NDArray[Any]:
    import numpy as np

    return np.random.default_rng(seed).uniform(0.3, 3, (count, 1)).astype(np.float32)


_NEAREST = """import json, time, tracemalloc, numpy
vectors = numpy.load('vectors.npy')
vectors *= numpy.random.default_rng({seed}).uniform(0.3, 3, (len(vectors), 1)).astype(numpy.float32)
queries, k = vectors[{numbers}], {k}
kept = queries.copy(), vectors.copy()

def _loop(queries, vectors, k):
    found = []
    for query in queries:
        scores = []
        for vector in vectors:
            lengths = numpy.sqrt(query @ query) * numpy.sqrt(vector @ vector)
            scores.append((query @ vector) / lengths)
        found.append(sorted(range(len(vectors)), key=lambda n: -scores[n])[:k])
    return found

def _seconds(search, times):
    best = float('inf')
    for _ in range(times):
        begun = time.thread_time()
        search(queries, vectors, k)
        best = min(best, time.thread_time() - begun)
    return best

found = numpy.asarray(nearest(queries, vectors, k))
own = _seconds(nearest, 9)
tracemalloc.start()
nearest(queries, vectors, k)
peak = tracemalloc.get_traced_memory()[1]
tracemalloc.stop()
print(json.dumps(dict(
    shape=list(found.shape), numbers=found.tolist(), peak=peak, faster=_seconds(_loop, 2) / own,
    kept=bool((queries == kept[0]).all() and (vectors == kept[1]).all()),
)))"""

PROMPTS = (
    "The old man looked at the sea and",
    "My favourite thing about winter is",
    "The scientist opened the box and found",
    "The train was late, so we",
    "At the market I bought a",
    "The dog ran into the garden and",
)


def sayings(rng: Random, count: int) -> Sequence[Case]:
    """Beginnings for the model to go on from, with the dice that choose its tokens."""
    cases: list[Case] = []
    for n, prompt in enumerate(rng.sample(PROMPTS, count)):
        k = (1, 8, 40, 400)[n % 4]
        temperature = (1.0, 0.8, 0.7, 1.3)[n % 4]
        dice = [round(rng.random(), 6) for _ in range(16)]
        told = json.dumps({"prompt": prompt, "k": k, "temperature": temperature, "dice": dice})
        cases.append(Case(told, None, title=f"{prompt} … (k {k}, temperature {temperature})"))
    return cases
