"""Retrieval: recall and speed of every store, BM25 beside bm25s, and which ranking finds more.

    python benchmarks/retrieval.py [stores] [words] [ranking] [--cache FOLDER] [--size 50000]
    python benchmarks/retrieval.py --set FOLDER [--queries first|second]

stores   recall@10 against exact search, milliseconds a query and chunks a second, of every store on
         disk, beside plain Chroma with the same vectors and texts in the same run. Two sets of
         vectors: MiniLM's of the first sentences of docstrings (of Python's own library and of what
         is installed beside it), and random directions, the hardest case there is for a graph.
words    milliseconds a query of BM25, beside bm25s on the same texts.
ranking  nDCG@10 of dense, lexical and hybrid search, and of reranking by the local model, on the
         library that comes along: 60 questions with graded judgements of its 40 articles, written
         before any result was seen (scenarios/m3/embeddings/questions.tsv). The fusion by ranks is
         tuned on the questions with odd numbers, and reported on the others; the weighing of scores
         that is shipped was chosen on the first half of XQuAD's questions.

--set    nDCG@10 on a set of yours in BEIR's layout (corpus.jsonl, queries.jsonl, qrels/test.tsv;
         retrieval_sets.py writes them from others), beside what an hour's work puts together: plain
         Chroma with the same vectors, bm25s, and the two fused by reciprocal ranks (k0 = 60). With
         the interval of the difference to that fusion (95 %, queries drawn again), and what a query
         costs of the processor, embedding it left out.

bm25s is needed for `words` and `--set`: pip install bm25s. With --cache the embedded texts are
kept; embedding them takes minutes.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import csv
import importlib
import importlib.util
import json
import random
import statistics
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from _plain_chroma import BATCH, Vectors, plain_chroma
from _public_set import gain, public

from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.knowledge.retrieve import How, Retriever, reciprocal_ranks, rerank
from agentlab_tools.knowledge.retrieve.retriever import K0, WEIGHTS
from agentlab_tools.knowledge.stores import Kind, open_store
from agentlab_tools.knowledge.types import Chunk, Identity, Source
from agentlab_tools.lexical import Bm25, query_terms, terms
from agentlab_tools.search import LIBRARY, passages_in

KINDS: tuple[Kind, ...] = ("chroma", "faiss", "duckdb")
QUERIES = 200
_HARD = 10_000
"""So many random directions: to put more of them into a graph takes many minutes."""


def docstrings(wanted: int) -> list[str]:
    """First paragraphs of docstrings, each once, at most 120 characters."""
    warnings.simplefilter("ignore")
    found: dict[str, None] = {}
    for place in ("stdlib", "purelib"):
        for file in sorted(Path(sysconfig.get_paths()[place]).rglob("*.py")):
            for text in _docstrings(file):
                first = " ".join(text.split("\n\n")[0].split())[:120]
                if len(first) >= 20:
                    found[first] = None
            if len(found) >= wanted:
                return list(found)[:wanted]
    return list(found)


def _docstrings(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, RecursionError, ValueError):
        return
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield text


def sentences(size: int, cache: Path) -> tuple[list[str], Vectors]:
    """So many texts and their vectors, and those of the queries after them."""
    texts_file, vectors_file = cache / f"texts-{size}.json", cache / f"vectors-{size}.npy"
    if vectors_file.exists():
        texts: list[str] = json.loads(texts_file.read_text(encoding="utf-8"))
        return texts, np.load(vectors_file)
    texts = docstrings(size + QUERIES)
    random.Random(1).shuffle(texts)
    embedder = open_embedder()
    parts = [embedder.embed(texts[at : at + 1000]) for at in range(0, len(texts), 1000)]
    vectors = np.concatenate(parts)
    cache.mkdir(parents=True, exist_ok=True)
    texts_file.write_text(json.dumps(texts), encoding="utf-8")
    np.save(vectors_file, vectors)
    return texts, vectors


def directions(size: int, dimensions: int = 384) -> Vectors:
    """Random unit vectors: all are about equally far from each other."""
    rows = np.random.default_rng(7).normal(size=(size + QUERIES, dimensions)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def exact(vectors: Vectors, queries: Vectors, k: int = 10) -> list[set[int]]:
    """The true neighbours."""
    return [set(np.argsort(-(vectors @ query))[:k].tolist()) for query in queries]


Search = Callable[[Vectors], list[int]]


class Contestant:
    """Something that takes chunks and vectors, and is searched."""

    def __init__(self, name: str, add: Callable[[int, int], None], search: Search) -> None:
        self.name, self.add, self.search = name, add, search
        self.added = 0.0
        self.times: list[float] = []
        self.found: list[list[int]] = []


def ours(kind: Kind, folder: str, texts: list[str], vectors: Vectors) -> Any:
    """A store of this package."""
    store = open_store(folder, Identity("bench", vectors.shape[1]), kind)

    def add(begin: int, end: int) -> None:
        chunks = [Chunk(str(n), texts[n], Source(f"{n % 999}.md", n, n)) for n in range(begin, end)]
        store.upsert(chunks, vectors[begin:end])

    def search(query: Vectors) -> list[int]:
        return [int(match.chunk.id) for match in store.search(query, 10)]

    return add, search


def stores(size: int, cache: Path) -> None:
    """Recall and speed of the stores."""
    texts, meant = sentences(size, cache)
    hard = directions(min(size, _HARD))
    for about, vectors in (("sentences", meant), ("random directions", hard)):
        size = len(vectors) - QUERIES
        print(f"\n{size:,} vectors: {about}; {QUERIES} queries, k = 10")
        queries = vectors[size:]
        truth = exact(vectors[:size], queries)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            made: list[Contestant] = []
            options: dict[str, Any] = {"space": "cosine"}
            add, search = plain_chroma(f"{folder}/plain", texts, vectors, options)
            made.append(Contestant("plain chroma", add, search))
            for kind in KINDS:
                add, search = ours(kind, f"{folder}/{kind}", texts, vectors)
                made.append(Contestant(kind, add, search))
            _fill(made, size)
            _ask(made, queries)
        _tell(made, truth, size)


def _fill(made: list[Contestant], size: int) -> None:
    # In turn, batch by batch, so that a busy machine is busy for all of them
    for begin in range(0, size, BATCH):
        for one in made:
            clock = time.perf_counter()
            one.add(begin, min(begin + BATCH, size))
            one.added += time.perf_counter() - clock


def _ask(made: list[Contestant], queries: Vectors) -> None:
    for query in queries[:20]:
        for one in made:
            one.search(query)
    for query in queries:
        for one in made:
            clock = time.perf_counter()
            found = one.search(query)
            one.times.append(time.perf_counter() - clock)
            one.found.append(found)


def _tell(made: list[Contestant], truth: list[set[int]], size: int) -> None:
    base = made[0]
    print("                 recall@10    ms a query   ratio    chunks/s   ratio of time")
    for one in made:
        hits = [len(true & set(found)) / 10 for true, found in zip(truth, one.found, strict=True)]
        median = statistics.median(one.times)
        ratio = statistics.median(a / b for a, b in zip(one.times, base.times, strict=True))
        print(
            f"{one.name:16} {statistics.mean(hits):9.3f} {median * 1000:13.2f} {ratio:7.2f} "
            f"{size / one.added:11.0f} {one.added / base.added:10.2f}"
        )


def words(size: int, cache: Path) -> None:
    """BM25 beside bm25s."""
    texts = sentences(size, cache)[0]
    try:
        peer: Any = importlib.import_module("bm25s")
    except ModuleNotFoundError:
        print("bm25s is not installed")
        return
    stemmer: Any = importlib.import_module("snowballstemmer").stemmer("english")
    queries = random.Random(3).sample(texts, QUERIES)

    def tokens(many: Sequence[str]) -> Any:
        return peer.tokenize(
            list(many), stopwords="en", stemmer=stemmer.stemWords, show_progress=False
        )

    clock = time.perf_counter()
    other: Any = peer.BM25(method="lucene", k1=1.2, b=0.75)
    other.index(tokens(texts), show_progress=False)
    theirs = time.perf_counter() - clock
    clock = time.perf_counter()
    known: dict[str, int] = {}
    table = [
        (known.setdefault(term, len(known)), doc)
        for doc, text in enumerate(texts)
        for term in terms(text)
    ]
    pairs, counts = np.unique(np.array(table, np.int64), axis=0, return_counts=True)
    lengths = np.bincount(np.array(table, np.int64)[:, 1], minlength=len(texts))
    ranking = Bm25(pairs[:, 0], pairs[:, 1], counts, lengths)
    mine = time.perf_counter() - clock
    times: dict[str, list[float]] = {"ours": [], "bm25s": []}
    for query in queries:
        clock = time.perf_counter()
        ranking.rank([known[term] for term in query_terms(query) if term in known], 10)
        times["ours"].append(time.perf_counter() - clock)
        clock = time.perf_counter()
        other.retrieve(tokens([query]), k=10, show_progress=False)
        times["bm25s"].append(time.perf_counter() - clock)
    ratio = statistics.median(a / b for a, b in zip(times["ours"], times["bm25s"], strict=True))
    for name, indexed in (("ours", mine), ("bm25s", theirs)):
        median = statistics.median(times[name]) * 1000
        print(f"{name:6} {median:7.2f} ms a query, indexed {len(texts):,} in {indexed:.1f} s")
    print(f"ratio  {ratio:.2f} a query, {mine / theirs:.2f} to index")


Judged: TypeAlias = Sequence[tuple[str, dict[str, int]]]


def judged() -> Judged:
    """The questions, each with grades of articles: 2 answers it, 1 touches on it."""
    file = Path(__file__).parents[1] / "scenarios" / "m3" / "embeddings" / "questions.tsv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter="\t") if row and row[0][0] != "#"]
    found: list[tuple[str, dict[str, int]]] = []
    for query, grades in rows:
        pairs = (pair.partition("=") for pair in grades.split())
        found.append((query, {f"{name}.md": int(grade) for name, _, grade in pairs}))
    return found


def articles(found: Sequence[Any]) -> list[str]:
    """The articles of passages, each where its best passage stands."""
    return list(dict.fromkeys(one.source.file for one in found))


def ranking(model: str | None) -> None:
    """nDCG@10 of the ways to search."""
    embedder = open_embedder()
    chunks = [
        Chunk(str(n), p.text, Source(p.source, p.line, p.line + p.text.count("\n"), p.heading))
        for n, p in enumerate(passages_in(LIBRARY))
    ]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = open_store(folder, embedder.identity, "duckdb")
        store.upsert(chunks, embedder.embed([f"{c.source.heading}\n{c.text}" for c in chunks]))
        retriever = Retriever(store, embedder)
        questions = judged()
        dev, held = questions[::2], questions[1::2]

        lists = {
            query: {
                way: retriever.retrieve(query, 50, how=way, quotes=False)
                for way in ("dense", "lexical")
            }
            for query, _ in questions
        }

        def alone(part: Judged, way: How) -> float:
            return statistics.mean(gain(articles(lists[q][way]), g) for q, g in part)

        def fused(part: Judged, k0: float, dense: float) -> float:
            weights = {"dense": dense, "lexical": 1.0}
            gains: list[float] = []
            for query, grades in part:
                both = lists[query]
                files = {one.chunk.id: one.source.file for way in both.values() for one in way}
                ranks = {way: [one.chunk.id for one in found] for way, found in both.items()}
                order = reciprocal_ranks(ranks, weights=weights, k0=k0)
                gains.append(gain(list(dict.fromkeys(files[id] for id in order)), grades))
            return statistics.mean(gains)

        grid = [
            (fused(dev, k0, dense), -k0, dense)
            for k0 in (5.0, 10.0, 20.0, 60.0)
            for dense in (0.5, 1.0, 1.5, 2.0, 3.0)
        ]
        best, k0, dense = max(grid)
        print(f"tuned on {len(dev)} questions: k0 = {-k0:g}, dense counts {dense:g}: {best:.3f}")
        print("                      dev   held out")
        for way in ("dense", "lexical"):
            print(f"{way:18} {alone(dev, way):6.3f} {alone(held, way):10.3f}")
        for name, (constant, weight) in {
            "by ranks, k0 = 20": (K0, WEIGHTS["dense"] / WEIGHTS["lexical"]),
            "by ranks, tuned": (-k0, dense),
            "by ranks, k0 = 60": (60.0, 1.0),
        }.items():
            one, other = fused(dev, constant, weight), fused(held, constant, weight)
            print(f"{name:18} {one:6.3f} {other:10.3f}")

        def hybrid(part: Judged) -> float:
            found = {q: retriever.retrieve(q, 50, quotes=False) for q, _ in part}
            return statistics.mean(gain(articles(found[q]), g) for q, g in part)

        print(f"{'hybrid, as shipped':18} {hybrid(dev):6.3f} {hybrid(held):10.3f}")
        if model:
            asyncio.run(_reranked(retriever, held, model))
        retriever.close()


async def _reranked(retriever: Retriever, questions: Judged, model: str) -> None:
    from agentlab.backends import connect

    backend = connect(model, threads=1)
    before: list[float] = []
    after: list[float] = []
    for query, grades in questions:
        found = retriever.retrieve(query, 10)
        before.append(gain(articles(found), grades))
        after.append(gain(articles(await rerank(query, found, backend)), grades))
    await backend.aclose()
    print(
        f"first ten of hybrid {statistics.mean(before):.3f}, reranked {statistics.mean(after):.3f}"
    )


def main() -> None:
    """Run the parts that are named, or the first three."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", help="stores, words, ranking")
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "agentlab-bench"
    )
    parser.add_argument("--set", type=Path, metavar="FOLDER", help="a set in BEIR's layout")
    parser.add_argument("--queries", choices=["first", "second"], help="with --set: that half")
    parser.add_argument("--rerank", metavar="MODEL", help="with ranking: e.g. local:smollm2")
    given = parser.parse_args()
    if given.set:
        if not all((given.set / name).exists() for name in ("corpus.jsonl", "qrels/test.tsv")):
            parser.error(f"{given.set} is no set in BEIR's layout: corpus.jsonl and qrels/test.tsv")
        if importlib.util.find_spec("bm25s") is None:
            parser.error("--set compares with bm25s, which is not here: pip install bm25s")
        public(given.set, given.queries, given.cache)
        return
    parts = cast(list[str], given.part) or ["stores", "words", "ranking"]
    if "stores" in parts:
        stores(given.size, given.cache)
    if "words" in parts:
        words(given.size, given.cache)
    if "ranking" in parts:
        ranking(given.rerank)


if __name__ == "__main__":
    main()
