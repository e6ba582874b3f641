"""The library as an index of the lab's own, made once in a process: real vectors, a real store."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.knowledge.retrieve import Retriever
from agentlab_tools.knowledge.stores import open_store
from agentlab_tools.knowledge.types import Chunk, Source
from agentlab_tools.search import LIBRARY, passages_in


@lru_cache(maxsize=1)
def retriever() -> Retriever:
    """Hybrid retrieval over the library's passages; embedding them takes some seconds."""
    folder = Path(tempfile.mkdtemp(prefix="agentlab-rag-"))
    embedder = open_embedder()
    store = open_store(folder, embedder.identity, "duckdb")
    chunks = [
        Chunk(
            hashlib.sha256(f"{p.source}:{p.line}:{p.text}".encode()).hexdigest()[:24],
            p.text,
            Source(p.source, p.line, p.line + p.text.count("\n"), p.heading),
        )
        for p in passages_in(LIBRARY)
    ]
    store.upsert(chunks, embedder.embed([f"{c.source.heading}\n{c.text}" for c in chunks]))
    opened = Retriever(store, embedder)
    # The model's process ends with the lab; what it made must not outlive it
    atexit.register(_discard, opened, folder)
    return opened


def _discard(opened: Retriever, folder: Path) -> None:
    opened.close()
    shutil.rmtree(folder, ignore_errors=True)


def found_for(question: str) -> tuple[str, str]:
    """The sentence of the library that fits a question best: its file, and the sentence."""
    (best,) = retriever().retrieve(question, 1)
    return best.source.file, " ".join(best.quote.text.split())
