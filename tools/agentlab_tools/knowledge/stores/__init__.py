"""Stores of chunks and their vectors, which outlive the process, all behind one protocol.

    open_store("index", MINILM)                    Chroma: the default
    open_store("index", MINILM, kind="faiss")      FAISS and SQLite: exact, in memory
    open_store("index", MINILM, kind="duckdb")     DuckDB: exact, and full text in the same file
    open_store("name/namespace", MINILM, kind="pinecone", api_key=…)    the hosted service

An index that is there is opened as what it is: `open_store("index")` is enough.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from agentlab.errors import ConfigError
from agentlab_tools.knowledge.stores import chroma, duck, faiss, pinecone
from agentlab_tools.knowledge.types import Identity, Store

Kind: TypeAlias = Literal["chroma", "faiss", "duckdb", "pinecone"]
FILES: dict[str, Kind] = {chroma.FILE: "chroma", faiss.FILE: "faiss", duck.FILE: "duckdb"}
"""The file by which a folder is seen to be a store's."""


def found_kind(path: str | Path) -> Kind | None:
    """Which kind of store is in a folder; None if there is none."""
    return next((kind for file, kind in FILES.items() if (Path(path) / file).exists()), None)


def _only_files(folder: Path) -> None:
    """See that no library is given a pipe, which it would wait for, in the place of a file.

    Raises:
        ConfigError: something in the folder is neither file nor folder.
    """
    for here, _, names in os.walk(folder):
        for name in names:
            file = Path(here, name)
            try:
                regular = stat.S_ISREG(file.stat().st_mode)
            except FileNotFoundError:  # a database has files that come and go
                continue
            except OSError:  # a link that leads back to itself
                regular = False
            if not regular:
                raise ConfigError(
                    f"the index at {folder} holds {name}, which is no file: index again elsewhere"
                )


def open_store(
    path: str | Path,
    identity: Identity | None = None,
    kind: Kind | None = None,
    **options: Any,
) -> Store:
    """Open a store, or make one.

    Args:
        path: a folder; for Pinecone the index's name, and after a slash the namespace.
        identity: the embedder whose vectors it is to hold. None takes a store as it was made.
        kind: None for what is there, or else Chroma.
        options: of that kind: `hnsw` (Chroma), `api_key` and `host` (Pinecone).

    Raises:
        ConfigError: it was made with another embedder, is of another kind, is not there (and no
            identity is given), or can't be opened. MissingExtra if its library is not installed.
    """
    there = None if kind == "pinecone" else found_kind(path)
    if there and kind and kind != there:
        raise ConfigError(f"the index at {path} is in {there}, not in {kind}: open it as {there}")
    chosen = kind or there or "chroma"
    if chosen != "pinecone":
        _only_files(Path(path))
    if chosen == "chroma":
        return chroma.ChromaStore(Path(path), identity, **options)
    if chosen == "faiss":
        return faiss.FaissStore(Path(path), identity, **options)
    if chosen == "duckdb":
        return duck.DuckStore(Path(path), identity, **options)
    if chosen == "pinecone":
        return pinecone.PineconeStore(str(path), identity, **options)
    raise ConfigError(f"no kind of store {chosen!r}; there are: {', '.join(get_args(Kind))}")
