"""A process that fills a store until it is killed: `store_killed.py KIND FOLDER`.

Prints each batch's number once `upsert` has returned. Batch n holds chunks `n-0` to `n-4`; every
third batch replaces the one before it as well (with the text `again`), and deletes `n-4`.
"""

from __future__ import annotations

import sys
from typing import cast

import numpy as np

from agentlab_tools.knowledge.stores import Kind, open_store
from agentlab_tools.knowledge.types import Chunk, Identity, Source

IDENTITY = Identity("random", 16)
SIZE = 5


def batch(n: int, text: str = "first") -> tuple[list[Chunk], np.ndarray]:
    chunks = [
        Chunk(f"{n}-{i}", f"{text} {n} {i}", Source(f"{n}.md", i + 1, i + 1)) for i in range(SIZE)
    ]
    vectors = np.random.default_rng(n).normal(size=(SIZE, 16)).astype(np.float32)
    return chunks, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main(kind: str, folder: str) -> None:
    store = open_store(folder, IDENTITY, cast(Kind, kind))
    n = 0
    while True:
        store.upsert(*batch(n))
        if n % 3 == 2:
            store.upsert(*batch(n - 1, "again"))
            store.delete([f"{n}-4"])
        print(n, flush=True)
        n += 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
