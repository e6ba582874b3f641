"""Chunks in Chroma: a folder on disk, searched approximately through an HNSW graph.

Vectors always come from outside: Chroma's own embedding function, which would fetch a model from
the network, is never set. Telemetry is off. HNSW: Malkov and Yashunin, "Efficient and Robust
Approximate Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs" (2018).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ConfigError, MissingExtra
from agentlab.messages import clean
from agentlab.private import private_folder, shut
from agentlab_tools.knowledge.stores.readonly import copied, is_read_only
from agentlab_tools.knowledge.stores.records import (
    checked,
    comparable,
    dump,
    fields,
    identity_of,
    load,
    query_vector,
    settled,
)
from agentlab_tools.knowledge.types import Chunk, Identity, Match, Where

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

FILE = "chroma.sqlite3"
"""By which a folder is seen to be Chroma's."""

HNSW: Mapping[str, Any] = {
    "space": "ip",  # vectors have length 1, so the inner product is the cosine
    "max_neighbors": 16,
    "ef_construction": 128,
    "ef_search": 100,
}
"""Measured in benchmarks/retrieval.py."""

_NAME = "chunks"
_RECORD = "agentlab.record"
_PLAIN = re.compile(r"(?!chroma:)(?!agentlab\.)[A-Za-z0-9_][\w.:-]*", re.ASCII)


class ChromaStore:
    """A collection in a folder. Safe to use from several threads."""

    def __init__(
        self, path: Path, identity: Identity | None, hnsw: Mapping[str, Any] | None = None
    ) -> None:
        if identity is None and not (path / FILE).exists():
            settled(str(path), None, None)
        self._remove: Callable[[], object] | None = None
        place = path
        if is_read_only(path):  # it migrates and locks as it opens, so it is given a copy
            place, self._remove = copied(path, self)
        self._client = _client(place)
        try:
            stored = self._stored()
            self._identity = settled(str(path), stored, identity)
            self._collection = self._client.get_or_create_collection(
                _NAME,
                embedding_function=None,
                configuration={"hnsw": {**HNSW, **(hnsw or {})}},
                metadata={
                    "model": self._identity.model,
                    "dimensions": self._identity.dimensions,
                },
            )
        except BaseException:
            self._client.close()
            raise
        self._batch = int(self._client.get_max_batch_size())
        self._place = place
        shut(place)

    def _stored(self) -> Identity | None:
        for collection in self._client.list_collections():
            if collection.name == _NAME:
                about: dict[str, Any] = collection.metadata or {}
                return identity_of((about.get("model", "?"), about.get("dimensions", 0)))
        return None

    @property
    def identity(self) -> Identity:
        """The embedder whose vectors it holds."""
        return self._identity

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add or replace chunks; on disk when this returns, each batch of some 5000 as a whole.

        Raises:
            ConfigError: the folder is read-only.
        """
        self._writable()
        chunks, vectors = checked(chunks, vectors, self._identity)
        for begin in range(0, len(chunks), self._batch):
            part = chunks[begin : begin + self._batch]
            ids = [chunk.id for chunk in part]
            old = self._metadata_of(self._collection.get(ids=ids, include=[])["ids"])
            self._collection.upsert(
                ids=ids,
                embeddings=vectors[begin : begin + self._batch],
                documents=[chunk.text for chunk in part],
                # Chroma keeps an entry that the new metadata lacks, unless told that it is None
                metadatas=[
                    {**dict.fromkeys(old.get(chunk.id, ())), **_metadata(chunk)} for chunk in part
                ],
            )
        shut(self._place)

    def _writable(self) -> None:
        if self._remove is not None:
            raise ConfigError("this index is read-only: it can be searched, and not changed")

    def _metadata_of(self, ids: list[str]) -> dict[str, Any]:
        if not ids:
            return {}
        found = self._collection.get(ids=ids, include=["metadatas"])
        return dict(zip(found["ids"], found["metadatas"], strict=True))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks."""
        self._writable()
        for part in self._batches(ids):
            if there := self._collection.get(ids=part, include=[])["ids"]:
                self._collection.delete(ids=there)

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[Match]:
        """The nearest chunks, best first."""
        vector = query_vector(vector, self._identity)
        chosen = _where(where)
        if k < 1 or chosen is _NOTHING:
            return []
        found = self._collection.query(
            query_embeddings=vector[None],
            n_results=k,
            where=chosen,
            include=["documents", "metadatas", "distances"],
        )
        rows = zip(
            found["ids"][0],
            found["documents"][0],
            found["metadatas"][0],
            found["distances"][0],
            strict=True,
        )
        return [
            Match(chunk=load(id, text or "", meta[_RECORD]), score=1 - distance)
            for id, text, meta, distance in rows
        ]

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """The chunks with these ids, in that order."""
        by_id: dict[str, Chunk] = {}
        for part in self._batches(ids):
            found = self._collection.get(ids=part, include=["documents", "metadatas"])
            rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
            by_id.update((id, load(id, text or "", meta[_RECORD])) for id, text, meta in rows)
        return [by_id[id] for id in map(clean, ids) if id in by_id]

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The vectors of these ids, in that order."""
        import numpy as np

        rows: dict[str, Vectors] = {}
        for part in self._batches(ids):
            found = self._collection.get(ids=part, include=["embeddings"])
            rows.update(zip(found["ids"], found["embeddings"], strict=True))
        out = np.empty((len(ids), self._identity.dimensions), np.float32)
        for row, id in enumerate(ids):
            out[row] = rows[clean(id)]
        return out

    def ids(self, where: Where | None = None) -> list[str]:
        """The ids of all chunks that match."""
        chosen = _where(where)
        if chosen is _NOTHING:
            return []
        return list(self._collection.get(where=chosen, include=[])["ids"])

    def count(self) -> int:
        """The number of chunks."""
        return int(self._collection.count())

    def close(self) -> None:
        """Let go of the files."""
        self._client.close()
        shut(self._place)
        if self._remove is not None:
            self._remove()

    def _batches(self, ids: Sequence[str]) -> Iterator[list[str]]:
        wanted = list(dict.fromkeys(map(clean, ids)))
        for begin in range(0, len(wanted), self._batch):
            yield wanted[begin : begin + self._batch]


def _client(path: Path) -> Any:
    try:
        os.environ["ORT_DISABLE_TELEMETRY"] = (
            "1"  # it may load onnxruntime for embeddings of its own
        )
        import chromadb
        from chromadb.config import Settings
    except ModuleNotFoundError as error:
        raise MissingExtra("Chroma", "knowledge") from error
    private_folder(path)
    try:
        settings = Settings(anonymized_telemetry=False)
        return cast(Any, chromadb).PersistentClient(str(path), settings=settings)
    except Exception as error:  # Chroma has no common root for what a damaged file brings about
        raise ConfigError(f"the Chroma folder {path} can't be opened: {error}") from error


_NOTHING: dict[str, Any] = {"": ""}
"""A filter that nothing matches."""


def _key(name: str) -> str:
    """A name of metadata as Chroma takes it: some beginnings are its own."""
    return name if _PLAIN.fullmatch(name) else "~" + clean(name)


def _metadata(chunk: Chunk) -> dict[str, Any]:
    found = {_key(name): value for name, value in fields(chunk).items()}
    return {**found, _RECORD: dump(chunk)}


def _where(where: Where | None) -> dict[str, Any] | None:
    pairs: list[dict[str, Any]] = []
    for name, value in (where or {}).items():
        plain = comparable(value)
        if plain is None:
            return _NOTHING
        pairs.append({_key(name): {"$eq": plain}})
    if not pairs:
        return None
    return pairs[0] if len(pairs) == 1 else {"$and": pairs}
