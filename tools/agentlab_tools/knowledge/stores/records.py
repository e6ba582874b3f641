"""What all stores share: chunks as text, what filters look at, and the check of what comes in.

A filter looks at a chunk's metadata, and at `file`, `heading` and `page` of its source where the
metadata has no entry of that name. Numbers are equal by value (3 and 3.0), and never equal to True
or False.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from agentlab.errors import ConfigError
from agentlab.messages import clean
from agentlab_tools.knowledge.types import Chunk, Identity, Scalar, Source, Where

if TYPE_CHECKING:
    from agentlab_tools.knowledge.types import Vectors

_EXACT = 2**53
"""Above this not every whole number is a float64."""


def fields(chunk: Chunk) -> dict[str, Scalar]:
    """What a filter on a chunk looks at. What is not finite equals nothing, and is left out."""
    source = chunk.source
    found: dict[str, Scalar] = {"file": source.file}
    if source.heading:
        found["heading"] = source.heading
    if source.page is not None:
        found["page"] = source.page
    found.update(chunk.metadata)
    return {
        name: plain for name, value in found.items() if (plain := comparable(value)) is not None
    }


def comparable(value: Scalar) -> Scalar | None:
    """A value as stores compare it: numbers as float64 holds them; None for what equals nothing."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return value
    try:
        number = float(value)
    except OverflowError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def matches(chunk: Chunk, where: Where | None) -> bool:
    """Whether every pair of a filter is among the fields of a chunk."""
    if not where:
        return True
    found = fields(chunk)
    return all(same(found.get(name), comparable(value)) for name, value in where.items())


def same(one: Scalar | None, other: Scalar | None) -> bool:
    """Equality of two comparable values."""
    if one is None or other is None or isinstance(one, bool) != isinstance(other, bool):
        return False
    return one == other


def dump(chunk: Chunk) -> str:
    """A chunk's source and metadata as JSON."""
    record = {"source": asdict(chunk.source), "metadata": dict(chunk.metadata)}
    return clean(json.dumps(record, ensure_ascii=False))


def load(id: str, text: str, record: str) -> Chunk:
    """The chunk that was dumped."""
    found: dict[str, Any] = json.loads(record)
    source = Source(**cast(dict[str, Any], found["source"]))
    return Chunk(id=id, text=text, source=source, metadata=found["metadata"])


def checked(
    chunks: Sequence[Chunk], vectors: Vectors, identity: Identity
) -> tuple[list[Chunk], Vectors]:
    """Chunks and vectors fit to be stored: of two chunks with one id the later, texts clean.

    Raises:
        ValueError: there is not one vector of length 1 and the right dimensions for each chunk.
    """
    import numpy as np

    found = np.ascontiguousarray(vectors, dtype=np.float32)
    wanted = (len(chunks), identity.dimensions)
    if found.shape != wanted and not (not chunks and found.size == 0):
        raise ValueError(f"vectors of shape {found.shape} for chunks and dimensions {wanted}")
    lengths = np.linalg.norm(found, axis=-1)
    if chunks and not np.allclose(lengths, 1, atol=1e-3):
        raise ValueError("vectors must have length 1")
    last = {clean(chunk.id): row for row, chunk in enumerate(chunks)}
    rows = sorted(last.values())
    kept = [
        Chunk(
            id=clean(chunks[row].id),
            text=clean(chunks[row].text),
            source=chunks[row].source,
            metadata=chunks[row].metadata,
        )
        for row in rows
    ]
    return kept, found if len(rows) == len(found) else found[rows]


def query_vector(vector: Vectors, identity: Identity) -> Vectors:
    """A vector fit to be searched with: (dimensions,), float32.

    Raises:
        ValueError: it has other dimensions.
    """
    import numpy as np

    found = np.ascontiguousarray(vector, dtype=np.float32)
    if found.shape != (identity.dimensions,):
        raise ValueError(f"a vector of shape {found.shape} for {identity.dimensions} dimensions")
    return found


def settled(place: str, stored: Identity | None, wanted: Identity | None) -> Identity:
    """The identity of a collection that is opened: what it was made with, or what is wanted.

    Raises:
        ConfigError: it was made with another embedder; or there is none, and none is wanted.
    """
    if stored is None:
        if wanted is None:
            raise ConfigError(f"there is no index at {place}: make one with `agentlab index`")
        return wanted
    if wanted is not None and wanted != stored:
        raise ConfigError(
            f"the index at {place} holds vectors of {described(stored)}, which can't be compared "
            f"with those of {described(wanted)}: use that embedder, or index into another place"
        )
    return stored


def described(identity: Identity) -> str:
    """An identity in words."""
    return f"{identity.model} ({identity.dimensions} dimensions)"


def field_rows(
    numbered: Iterable[tuple[int, Chunk]],
) -> list[tuple[int, str, str | None, float | None, bool | None]]:
    """Rows (n, name, text, number, flag) for the table `fields` of a store kept in SQL."""
    rows: list[tuple[int, str, str | None, float | None, bool | None]] = []
    for n, chunk in numbered:
        for name, value in fields(chunk).items():
            rows.append((n, clean(name), *_columns(value)))
    return rows


def _columns(value: Scalar) -> tuple[str | None, float | None, bool | None]:
    if isinstance(value, str):
        return value, None, None
    if isinstance(value, bool):
        return None, None, value
    return None, float(value), None


def condition(where: Where | None) -> tuple[str, list[object]]:
    """A filter as an SQL condition on `n` over such a table, and its parameters."""
    clauses: list[str] = []
    values: list[object] = []
    for name, value in (where or {}).items():
        plain = comparable(value)
        if plain is None:
            return "false", []
        column = "text" if isinstance(plain, str) else "number"
        column = "flag" if isinstance(plain, bool) else column
        clauses.append(f"n IN (SELECT n FROM fields WHERE name = ? AND {column} = ?)")  # noqa: S608 - one of three constants
        # A number as the column's own type: what compares a column as it is can use its index
        values += [clean(name), float(plain) if column == "number" else plain]
    return " AND ".join(clauses) or "true", values


def identity_of(row: Sequence[object] | None) -> Identity | None:
    """The identity in a row (model, dimensions)."""
    if row is None:
        return None
    return Identity(model=str(row[0]), dimensions=int(cast(int, row[1])))
