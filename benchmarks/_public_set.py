"""Ways to search, ranked on a set of the user's in BEIR's layout; see retrieval.py."""

from __future__ import annotations

import csv
import importlib
import json
import math
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _plain_chroma import BATCH, plain_chroma

from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.knowledge.retrieve import How, Retriever, reciprocal_ranks
from agentlab_tools.knowledge.stores import open_store
from agentlab_tools.knowledge.types import Chunk, Source


def gain(ranked: Sequence[str], grades: dict[str, int]) -> float:
    """nDCG@10 with gains 2^grade − 1 (Järvelin and Kekäläinen, 2002; Burges et al., 2005)."""

    def total(order: Sequence[int]) -> float:
        return sum((2**grade - 1) / math.log2(at + 2) for at, grade in enumerate(order[:10]))

    best = total(sorted(grades.values(), reverse=True))
    return total([grades.get(name, 0) for name in ranked]) / best


class Public:
    """A set in BEIR's layout: texts, questions, and the grades of documents for each."""

    def __init__(self, folder: Path, part: str | None) -> None:
        def rows(name: str) -> list[dict[str, str]]:
            with (folder / name).open(encoding="utf-8") as lines:
                return [json.loads(line) for line in lines]

        corpus = rows("corpus.jsonl")
        self.ids = [row["_id"] for row in corpus]
        self.texts = [f"{row.get('title', '')}\n{row['text']}".strip() for row in corpus]
        self.grades: dict[str, dict[str, int]] = {}
        with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as lines:
            for query, document, grade in csv.reader(list(lines)[1:], delimiter="\t"):
                if int(grade) > 0:
                    self.grades.setdefault(query, {})[document] = int(grade)
        asked = [(row["_id"], row["text"]) for row in rows("queries.jsonl")]
        asked = [(id, text) for id, text in asked if id in self.grades]
        half = len(asked) // 2
        halves = {"first": asked[:half], "second": asked[half:]}
        self.questions = halves[part] if part else asked


def public(folder: Path, part: str | None, cache: Path) -> None:
    """The ways to search on a set of the user's, beside others' parts put together."""
    peer: Any = importlib.import_module("bm25s")
    stemmer: Any = importlib.import_module("snowballstemmer").stemmer("english")
    given = Public(folder, part)
    embedder = open_embedder()
    stamp = f"{zlib.crc32(chr(0).join(given.texts).encode()):08x}"
    kept = cache / f"set-{stamp}.npy"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, embedder.embed(given.texts))
    vectors = np.load(kept)
    chunks = [
        Chunk(id, text, Source(id, 1, 1)) for id, text in zip(given.ids, given.texts, strict=True)
    ]

    def tokens(many: Sequence[str]) -> Any:
        return peer.tokenize(
            list(many), stopwords="en", stemmer=stemmer.stemWords, show_progress=False
        )

    words_of: Any = peer.BM25(method="lucene", k1=1.2, b=0.75)
    words_of.index(tokens(given.texts), show_progress=False)
    options: dict[str, Any] = {"space": "cosine"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        _, near = plain_chroma(f"{name}/plain", given.texts, vectors, options, ids=given.ids)
        store = open_store(f"{name}/ours", embedder.identity, "chroma")
        for begin in range(0, len(chunks), BATCH):
            store.upsert(chunks[begin : begin + BATCH], vectors[begin : begin + BATCH])
        retriever = Retriever(store, embedder, Path(name))
        depth = min(50, len(chunks))

        def by_words(query: str) -> list[str]:
            rows, _ = words_of.retrieve(tokens([query]), k=depth, show_progress=False)
            return [given.ids[int(n)] for n in rows[0]]

        def fusion(query: str) -> list[str]:
            vector = embedder.embed([query])[0]
            ranks = {"meaning": near(vector, depth), "words": by_words(query)}
            return list(reciprocal_ranks(ranks, k0=60))

        def found(how: How, query: str) -> list[str]:
            return [one.chunk.id for one in retriever.retrieve(query, 10, how=how, quotes=False)]

        ways: dict[str, Callable[[str], list[str]]] = {
            "Chroma": lambda query: near(embedder.embed([query])[0], depth),
            "bm25s": by_words,
            "Chroma and bm25s, fused": fusion,
            "dense": lambda query: found("dense", query),
            "lexical": lambda query: found("lexical", query),
            "hybrid": lambda query: found("hybrid", query),
        }
        gains: dict[str, list[float]] = {way: [] for way in ways}
        spent: dict[str, list[float]] = {way: [] for way in ways}
        for search in ways.values():  # once before the clock runs
            search(given.questions[0][1])
        for id, query in given.questions:
            began = time.process_time()
            embedder.embed([query])
            embedding = time.process_time() - began
            for way, search in ways.items():
                began = time.process_time()
                ranked = search(query)
                less = 0.0 if way in ("bm25s", "lexical") else embedding
                spent[way].append(time.process_time() - began - less)
                gains[way].append(gain(ranked, given.grades[id]))
        retriever.close()
    print(f"{folder.name}: {len(chunks):,} documents, {len(given.questions):,} questions")
    for way, found_gains in gains.items():
        cost = statistics.median(spent[way]) * 1000
        print(f"{way:26} nDCG@10 {statistics.mean(found_gains):.4f} {cost:8.1f} CPU ms a query")
    apart = np.array(gains["hybrid"]) - np.array(gains["Chroma and bm25s, fused"])
    drawn = np.random.default_rng(1).integers(0, len(apart), (5000, len(apart)))
    low, high = np.percentile(apart[drawn].mean(1), [2.5, 97.5])
    print(f"hybrid above the fusion by {apart.mean():+.4f} [{low:+.4f}, {high:+.4f}]")
