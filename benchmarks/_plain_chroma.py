"""Plain Chroma, as somebody puts it to use in an hour: what our stores are measured beside."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BATCH = 500


def plain_chroma(
    folder: str,
    texts: list[str],
    vectors: Vectors,
    hnsw: dict[str, Any],
    ids: Sequence[str] | None = None,
) -> Any:
    """Chroma as its own guide has it, handed the same texts, places and vectors."""
    chroma: Any = importlib.import_module("chromadb")
    settings: Any = importlib.import_module("chromadb.config").Settings
    client: Any = chroma.PersistentClient(folder, settings=settings(anonymized_telemetry=False))
    kept: Any = client.create_collection(
        "plain", embedding_function=None, configuration={"hnsw": hnsw}
    )

    def add(begin: int, end: int) -> None:
        kept.upsert(
            ids=[str(n) for n in range(begin, end)],
            embeddings=vectors[begin:end],
            documents=texts[begin:end],
            metadatas=[{"file": f"{n % 999}.md", "start": n, "end": n} for n in range(begin, end)],
        )

    def search(query: Vectors) -> list[int]:
        wanted = ["documents", "metadatas", "distances"]
        found = kept.query(query_embeddings=query[None], n_results=10, include=wanted)
        return [int(id) for id in found["ids"][0]]

    if ids is None:
        return add, search
    for begin in range(0, len(ids), BATCH):
        part = slice(begin, min(begin + BATCH, len(ids)))
        kept.upsert(ids=list(ids[part]), embeddings=vectors[part], documents=texts[part])

    def named(query: Vectors, k: int) -> list[str]:
        return kept.query(query_embeddings=query[None], n_results=k, include=[])["ids"][0]

    return add, named
