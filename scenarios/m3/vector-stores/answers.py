"""Starters, reference solutions, and answers that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_STORE = """import numpy as np


class Store:
    def __init__(self):
        self.rows = {}

    def upsert(self, ids, vectors, metadata):
        for id, vector, about in zip(ids, vectors, metadata):
            self.rows[id] = (np.array(vector), about)

    def delete(self, ids):
        for id in ids:
            self.rows.pop(id, None)

    def search(self, vector, k, where=None):
        scores = {
            id: float(row @ np.array(vector))
            for id, (row, about) in self.rows.items()
            if all(about.get(name) == value for name, value in (where or {}).items())
        }
        return sorted(scores, key=lambda id: -scores[id])[:k]
"""


def _store(old: str, new: str) -> str:
    if old not in _STORE:
        raise ValueError(old)
    return _STORE.replace(old, new)


STORE = programs(
    starter='''import numpy as np


class Store:
    """Vectors of length 1 under ids, each with metadata."""

    def upsert(self, ids, vectors, metadata):
        """Add them, or replace those with the same ids. `metadata` is a list of dictionaries."""

    def delete(self, ids):
        """Remove them; an id that is not there is passed over."""

    def search(self, vector, k, where=None):
        """The ids of the k nearest by cosine, best first, among those whose metadata has every
        pair of `where`."""
        return []
''',
    solution=_STORE,
    wrong={
        "filters-afterwards": _STORE.partition("        scores = {")[0]
        + """        scores = {id: row @ np.array(vector) for id, (row, about) in self.rows.items()}
        best = sorted(scores, key=lambda id: -scores[id])[:k]
        wanted = (where or {}).items()
        return [id for id in best if all(self.rows[id][1].get(n) == v for n, v in wanted)]
""",
        "never-replaces": _store(
            "self.rows[id] = (np.array(vector), about)",
            "self.rows.setdefault(id, (np.array(vector), about))",
        ),
        "keeps-what-is-deleted": _store("self.rows.pop(id, None)", "pass"),
        "old-metadata": _store(
            "self.rows[id] = (np.array(vector), about)",
            "self.rows[id] = (np.array(vector), self.rows.get(id, (0, about))[1])",
        ),
        "no-filter": _store("(where or {}).items()", "{}.items()"),
    },
)

_CELLS = """import numpy as np


def build(vectors, cells):
    rng = np.random.default_rng(0)
    centres = vectors[rng.choice(len(vectors), cells, replace=False)]
    for _ in range(10):
        cell_of = np.argmax(vectors @ centres.T, axis=1)
        for cell in range(cells):
            mine = vectors[cell_of == cell]
            if len(mine):
                middle = mine.mean(axis=0)
                centres[cell] = middle / np.linalg.norm(middle)
    return centres, np.argmax(vectors @ centres.T, axis=1)


def probe(query, centres, n):
    return np.argsort(-(centres @ query))[:n]
"""


def _cells(old: str, new: str) -> str:
    if old not in _CELLS:
        raise ValueError(old)
    return _CELLS.replace(old, new)


CELLS = programs(
    starter='''import numpy as np


def build(vectors, cells):
    """Sort vectors into cells: the centre of each cell, and for each vector its cell's number."""
    return vectors[:cells], np.arange(len(vectors)) % cells


def probe(query, centres, n):
    """The numbers of the n cells to be searched for a query."""
    return list(range(n))
''',
    solution=_CELLS,
    wrong={
        "one-big-cell": _cells(
            "return centres, np.argmax(vectors @ centres.T, axis=1)",
            "return centres, np.zeros(len(vectors), int)",
        ),
        "cells-by-chance": _cells(
            "return centres, np.argmax(vectors @ centres.T, axis=1)",
            "return centres, rng.integers(cells, size=len(vectors))",
        ),
        "furthest-cells": _cells("np.argsort(-(centres @ query))", "np.argsort(centres @ query)"),
        "one-cell-only": _cells("[:n]", "[:1]"),
    },
)
