"""Chunks in Pinecone: a hosted index, one collection a namespace.

The index must be there, with the embedder's dimensions and the metric `cosine` or `dotproduct`.
Which embedder a namespace holds is a record of its own in the namespace `agentlab`. Pinecone takes
a moment before it finds what was just written. Ids must be ASCII there, so others are written with
percent signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from agentlab.errors import AuthError, ConfigError, MissingExtra, MissingKey, ServiceUnavailable
from agentlab.messages import clean
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

T = TypeVar("T")

_ABOUT = "agentlab"
"""The namespace in which it is noted what the others hold."""
_TEXT = "agentlab.text"
_RECORD = "agentlab.record"
_METADATA_BYTES = 40_960
_REQUEST_BYTES = 1_500_000
"""Of the 2 MB a request may have."""
_REQUEST_RECORDS = 200
_MOST_FOUND = 10_000
_DIGITS = 13
"""Bytes of a float32 in JSON, about; it is written with up to 20."""


class PineconeStore:
    """A namespace of a Pinecone index. Safe to use from several threads."""

    def __init__(
        self,
        path: str,
        identity: Identity | None,
        *,
        api_key: str | None = None,
        host: str | None = None,
    ) -> None:
        try:
            import pinecone
        except ModuleNotFoundError as error:
            raise MissingExtra("Pinecone", "pinecone") from error
        if not api_key:
            raise MissingKey("no API key for Pinecone: set PINECONE_API_KEY")
        self._errors: Any = pinecone.PineconeError
        self._name, _, namespace = path.partition("/")
        self._namespace = namespace or "chunks"
        if self._namespace == _ABOUT:
            raise ConfigError(f"the namespace {_ABOUT!r} is kept for notes: use another")
        client: Any = pinecone.Pinecone(api_key=api_key, host=host)
        try:
            about = self._ask(lambda: client.describe_index(self._name))
            self._index: Any = client.index(host=about.host)
        finally:
            client.close()
        try:
            self._settle(about, path, identity)
        except BaseException:
            self._index.close()
            raise

    def _settle(self, about: Any, path: str, wanted: Identity | None) -> None:
        dense = [f for f in about.schema.fields.values() if hasattr(f, "dimension")]
        if len(dense) != 1 or dense[0].metric not in ("cosine", "dotproduct"):
            raise ConfigError(
                f"the index {self._name} is not one of dense vectors compared by cosine: make one"
            )
        note = self._fetch([self._namespace], _ABOUT).get(self._namespace)
        meta: dict[str, Any] = note.metadata or {} if note else {}
        stored = identity_of((meta["model"], meta["dimensions"])) if note else None
        self._identity = settled(f"pinecone:{path}", stored, wanted)
        if self._identity.dimensions != dense[0].dimension:
            raise ConfigError(
                f"the index {self._name} has {dense[0].dimension} dimensions, and "
                f"{self._identity.model} makes {self._identity.dimensions}: use another index"
            )
        if note is None:
            values = [1.0] + [0.0] * (self._identity.dimensions - 1)
            noted = {"model": self._identity.model, "dimensions": self._identity.dimensions}
            self._upsert([{"id": self._namespace, "values": values, "metadata": noted}], _ABOUT)

    @property
    def identity(self) -> Identity:
        """The embedder whose vectors it holds."""
        return self._identity

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add or replace chunks, in requests of at most 2 MB; the service has taken them then."""
        chunks, vectors = checked(chunks, vectors, self._identity)
        batch: list[dict[str, Any]] = []
        size = 0
        for chunk, vector in zip(chunks, vectors, strict=True):
            metadata = {**fields(chunk), _TEXT: chunk.text, _RECORD: dump(chunk)}
            bytes_ = sum(len(str(part).encode()) for pair in metadata.items() for part in pair)
            if bytes_ > _METADATA_BYTES:
                raise ConfigError(
                    f"a passage of {chunk.source.file} has {bytes_:,} bytes, and Pinecone takes "
                    f"{_METADATA_BYTES:,}: index it in shorter passages"
                )
            bytes_ += 2 * _DIGITS * len(vector)
            if batch and (size + bytes_ > _REQUEST_BYTES or len(batch) == _REQUEST_RECORDS):
                self._upsert(batch, self._namespace)
                batch, size = [], 0
            size += bytes_
            id = _written(chunk.id)
            batch.append({"id": id, "values": vector.tolist(), "metadata": metadata})
        if batch:
            self._upsert(batch, self._namespace)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks."""
        for part in _parts(ids):
            self._ask(lambda part=part: self._index.delete(ids=part, namespace=self._namespace))

    def search(self, vector: Vectors, k: int, where: Where | None = None) -> list[Match]:
        """The nearest chunks, best first."""
        vector = query_vector(vector, self._identity)
        chosen = _filter(where)
        if k < 1 or chosen is _NOTHING:
            return []
        found = self._ask(
            lambda: self._index.query(
                vector=vector.tolist(),
                top_k=min(k, _MOST_FOUND),
                namespace=self._namespace,
                filter=chosen,
                include_metadata=True,
            )
        )
        return [Match(chunk=_chunk(one), score=float(one.score)) for one in found.matches]

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """The chunks with these ids, in that order."""
        found = self._fetch_all(ids)
        return [_chunk(found[id]) for id in map(_written, ids) if id in found]

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """The vectors of these ids, in that order."""
        import numpy as np

        found = self._fetch_all(ids)
        out = np.empty((len(ids), self._identity.dimensions), np.float32)
        for row, id in enumerate(ids):
            out[row] = found[_written(id)].values
        return out

    def ids(self, where: Where | None = None) -> list[str]:
        """The ids of all chunks that match."""
        chosen = _filter(where)
        if chosen is _NOTHING:
            return []
        ids: list[str] = []
        token: str | None = None
        while True:
            page = self._page(chosen, token)
            ids += page.vectors if chosen else [item.id for item in page.vectors]
            token = page.pagination.next if page.pagination else None
            if token is None:
                return [unquote(id) for id in ids]

    def _page(self, chosen: dict[str, Any] | None, token: str | None) -> Any:
        at = {"namespace": self._namespace, "pagination_token": token}
        if chosen is None:
            return self._ask(lambda: self._index.list_paginated(**at))
        return self._ask(lambda: self._index.fetch_by_metadata(filter=chosen, **at))

    def count(self) -> int:
        """The number of chunks, as the service last counted them."""
        stats = self._ask(self._index.describe_index_stats)
        summary = stats.namespaces.get(self._namespace)
        return int(summary.vector_count) if summary else 0

    def close(self) -> None:
        """Close the connections."""
        self._index.close()

    def _upsert(self, records: list[dict[str, Any]], namespace: str) -> None:
        self._ask(lambda: self._index.upsert(vectors=records, namespace=namespace))

    def _fetch_all(self, ids: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in _parts(ids):
            found.update(self._fetch(part, self._namespace))
        return found

    def _fetch(self, ids: list[str], namespace: str) -> dict[str, Any]:
        return self._ask(lambda: self._index.fetch(ids=ids, namespace=namespace)).vectors

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except self._errors as error:
            status = getattr(error, "status_code", None)
            said = (str(error).splitlines() or [type(error).__name__])[0][:200]
            if status in (401, 403):
                raise AuthError(f"Pinecone does not accept the key: {said}") from error
            if status == 404:
                raise ConfigError(
                    f"there is no index {self._name!r} in Pinecone: make one there, with the "
                    "metric cosine"
                ) from error
            raise ServiceUnavailable(f"Pinecone did not answer as it should: {said}") from error


_NOTHING: dict[str, Any] = {"": ""}
"""A filter that nothing matches."""


def _filter(where: Where | None) -> dict[str, Any] | None:
    pairs: list[dict[str, Any]] = []
    for name, value in (where or {}).items():
        plain = comparable(value)
        if plain is None:
            return _NOTHING
        pairs.append({name: {"$eq": plain}})
    if not pairs:
        return None
    return pairs[0] if len(pairs) == 1 else {"$and": pairs}


def _chunk(found: Any) -> Chunk:
    return load(unquote(found.id), found.metadata[_TEXT], found.metadata[_RECORD])


def _written(id: str) -> str:
    return quote(clean(id), safe=" !#$&'()*+,/:;=?@[]|^`{}<>\"\\")


def _parts(ids: Sequence[str]) -> Iterator[list[str]]:
    """In groups that fit into an address."""
    wanted = list(dict.fromkeys(map(_written, ids)))
    for begin in range(0, len(wanted), 50):
        yield wanted[begin : begin + 50]
