"""Bring an index up to date with a folder: read what is new or changed, drop what is gone.

Promised: the process may be killed at any moment. The index opens afterwards, what it finds is
true, and the next update completes it without doing finished work again: files are compared by
their content, and passages that are in the store already are not embedded again. A file that can't
be read is reported, and stops no other.

Not promised: that a file which changes while it is read is indexed as it is in the end; the next
update sees to it.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentlab_tools.knowledge.index.manifest import FORMAT, Entry, Manifest
from agentlab_tools.knowledge.ingest import (
    Found,
    Problem,
    Sizes,
    Unreadable,
    chunks,
    embedded_text,
    load,
    walk,
)
from agentlab_tools.knowledge.ingest.apart import Parser
from agentlab_tools.knowledge.ingest.parse import is_readable
from agentlab_tools.knowledge.types import Chunk, Embedder, Store

ORIGIN = "files"
"""What passages of files have as `origin` in their metadata; others in the store are left alone."""

_BATCH = 512
"""Passages that are embedded and stored at a time."""


@dataclass(frozen=True)
class Progress:
    """How far an update is: files looked at, of how many, and passages written."""

    files: int
    of: int
    written: int
    name: str


@dataclass(frozen=True)
class Report:
    """What an update did.

    Attributes:
        indexed: files that were new or changed.
        unchanged: files that were as before.
        removed: files that are no longer there, or can no longer be read.
        moved: files that are where another indexed one was, or beside it: not embedded again.
        written: passages that were embedded and stored.
        passed_over: how many files of other kinds there were, by the ending of their names;
            those with nothing in them as `empty`.
        problems: what could not be indexed, and why.
        notes: what was indexed, but should be known.
        seconds: how long it took.
    """

    indexed: int
    unchanged: int
    removed: int
    moved: int
    written: int
    passed_over: Mapping[str, int]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    seconds: float


@dataclass
class Update:
    """One update of one folder.

    Args:
        label: what names of its files begin with.
        max_bytes: what a file may hold; the usual bounds where not given.
        progress: told after each file and each batch.
    """

    manifest: Manifest
    store: Store
    embedder: Embedder
    root: Path
    label: str
    sizes: Sizes
    max_bytes: int | None = None
    progress: Callable[[Progress], None] | None = None
    batch: int = _BATCH
    parser: Parser = field(default_factory=Parser)
    _problems: list[Problem] = field(default_factory=list[Problem])
    _notes: list[Problem] = field(default_factory=list[Problem])
    _seen: int = 0
    _of: int = 0
    _written: int = 0
    _stored: set[str] = field(default_factory=set[str])
    _known: dict[str, Entry] = field(default_factory=dict[str, Entry])
    _by_content: dict[str, Entry] = field(default_factory=dict[str, Entry])
    _same: dict[str, str] = field(default_factory=dict[str, str])
    """New passages that say what an older one says, by its id: their vectors are equal."""
    _moved: int = 0
    _passed_over: Counter[str] = field(default_factory=Counter[str])

    def run(self) -> Report:
        """Do it; once.

        Raises:
            ConfigError: there is no such folder.
            BackendError: the embedder failed; what was done before stays done.
        """
        with self.parser:
            return self._run()

    def _run(self) -> Report:
        began = time.monotonic()
        passed_over = self._passed_over
        files: list[Found] = []
        for entry in walk(self.root):
            if isinstance(entry, Problem):
                self._problems.append(entry)
            elif is_readable(entry.name):
                files.append(entry)
            else:
                passed_over[Path(entry.name).suffix.lower() or "no ending"] += 1
        self._of = len(files)
        self._stored = set(self.store.ids({"origin": ORIGIN}))
        # a file whose passages are not all there is read again
        self._known = {
            name: entry
            for name, entry in self.manifest.files(self.label).items()
            if self._stored.issuperset(entry.ids)
        }
        self._by_content = {
            entry.digest: entry
            for label in self.manifest.roots()
            for entry in self.manifest.files(label).values()
            if self._stored.issuperset(entry.ids)
        }
        names = {file.name for file in files}
        kept = {name for name in self._known if name not in names and self._hidden(name)}
        indexed = unchanged = 0
        pending: list[tuple[Entry, list[Chunk]]] = []
        waiting = 0
        for file in files:
            entry, passages = self._read(file)
            if passages is not None:
                pending.append((entry, passages))
                waiting += len(passages)
                indexed += 1
                kept.add(file.name)
            elif entry.digest:
                unchanged += 1
                kept.add(file.name)
            self._seen += 1
            self._tell(file.name)
            if waiting >= self.batch:
                self._write(pending)
                pending, waiting = [], 0
        self._write(pending)
        gone = self.manifest.files(self.label).keys() - kept
        self.manifest.remove(self.label, gone)
        self._leave_old_places()
        # also what a crash, or an earlier text of a file, left behind
        self.store.delete(sorted(self._stored - set(self.manifest.ids())))
        return Report(
            indexed=indexed,
            unchanged=unchanged,
            removed=len(gone),
            moved=self._moved,
            written=self._written,
            passed_over=dict(passed_over.most_common()),
            problems=tuple(sorted(self._problems, key=lambda problem: problem.name)),
            notes=tuple(self._notes),
            seconds=time.monotonic() - began,
        )

    def _leave_old_places(self) -> None:
        """Take out the folder that this one was: it is gone, and most of its files are here."""
        here = {entry.digest for entry in self.manifest.files(self.label).values()}
        for label, path in self.manifest.roots().items():
            if label == self.label or path.exists():
                continue
            there = [entry.digest for entry in self.manifest.files(label).values()]
            if there and sum(digest in here for digest in there) * 2 > len(there):
                self.manifest.drop_root(label)
                self._notes.append(Problem(label, f"is no longer at {path}, but here: taken over"))

    def _hidden(self, name: str) -> bool:
        """Whether a file may be there still, in a folder that can't be looked into."""
        return any(
            problem.folder and (problem.name == "." or name.startswith(f"{problem.name}/"))
            for problem in self._problems
        )

    def _read(self, file: Found) -> tuple[Entry, list[Chunk] | None]:
        """The file's passages; None if it is as before (then with a digest) or can't be read."""
        known = self._known.get(file.name)
        try:
            data = load(file.path, self.max_bytes)
            if not data.strip():  # as many an `__init__.py`
                self._passed_over["empty"] += 1
                return Entry(file.name, "", ()), None
            digest = self._digest(data)
            if known is not None and known.digest == digest:
                return known, None
            document = self.parser.parse(data, file.name)
        except Unreadable as error:
            self._problems.append(Problem(file.name, str(error)))
            return Entry(file.name, "", ()), None
        except OSError as error:
            self._problems.append(Problem(file.name, (error.strerror or str(error)).lower()))
            return known or Entry(file.name, "", ()), None
        self._notes += [Problem(file.name, note) for note in document.notes]
        name = f"{self.label}/{file.name}" if self.root.is_dir() else self.label
        about = {"origin": ORIGIN, **({"title": document.title} if document.title else {})}
        passages = list(chunks(document, name, self.embedder.count_tokens, self.sizes, about))
        self._recognise(digest, passages)
        return Entry(file.name, digest, tuple(chunk.id for chunk in passages)), passages

    def _recognise(self, digest: str, passages: Sequence[Chunk]) -> None:
        """Note which passages of a new file another file with the same content has already."""
        same = self._by_content.get(digest)
        if same is None:
            return
        old = self.store.get(same.ids)
        if list(map(embedded_text, old)) == list(map(embedded_text, passages)):
            self._moved += 1
            self._same |= {new.id: one.id for new, one in zip(passages, old, strict=True)}

    def _digest(self, data: bytes) -> str:
        """A hash of a file's content, and of all else that its passages depend on."""
        recipe = f"{FORMAT} {self.sizes.tokens} {self.sizes.overlap}".encode()
        return hashlib.sha256(recipe + b"\0" + data).hexdigest()

    def _write(self, pending: Sequence[tuple[Entry, list[Chunk]]]) -> None:
        """Store passages, then write their files down."""
        new = {c.id: c for _, passages in pending for c in passages if c.id not in self._stored}
        known = [chunk for chunk in new.values() if chunk.id in self._same]
        for part in _parts(known, self.batch):
            self.store.upsert(part, self.store.vectors([self._same[chunk.id] for chunk in part]))
            self._stored.update(chunk.id for chunk in part)
            self._tell(part[-1].source.file)
        fresh = [chunk for chunk in new.values() if chunk.id not in self._same]
        for part in _parts(fresh, self.batch):
            vectors = self.embedder.embed([embedded_text(chunk) for chunk in part])
            self.store.upsert(part, vectors)
            self._stored.update(chunk.id for chunk in part)
            self._written += len(part)
            self._tell(part[-1].source.file)
        self.manifest.put(self.label, (entry for entry, _ in pending))

    def _tell(self, name: str) -> None:
        if self.progress is not None:
            self.progress(Progress(self._seen, self._of, self._written, name))


def _parts(items: Sequence[Chunk], size: int) -> Iterator[Sequence[Chunk]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
