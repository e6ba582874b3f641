"""An index, however it is given, as a function that searches it; and where what it finds stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from agentlab.errors import ConfigError
from agentlab.values import unknown
from agentlab_tools.knowledge.index import Index, open_index
from agentlab_tools.knowledge.retrieve import Found, Retriever
from agentlab_tools.knowledge.tools import place

Search = Callable[..., list[Found]]
"""`(question, k, **options)`: passages, best first."""


def search_of(
    index: Index | Retriever | Path | str, options: Mapping[str, Any] | None = None
) -> Search:
    """What searches an index.

    Args:
        index: an open index, a `Retriever`, or the folder of an index.
        options: of `Retriever.retrieve`, for every search.

    Raises:
        MissingExtra: what indexes need is not installed.
        ConfigError: there is no index, or no such option.
    """
    known = [*signature(Retriever.retrieve).parameters][3:]
    for name in options or {}:
        if name not in known:
            raise ConfigError(f"a search has no option {unknown(name, known)}")
    if isinstance(index, str | Path):
        index = open_index(index)
    if isinstance(index, Index):
        index = Retriever(index.store, index.embedder, Path(index.path))
    return partial(index.retrieve, **(options or {}))


def where_of(found: Found) -> dict[str, Any]:
    """Where a passage stands, and what its file says of itself, as metadata."""
    source = found.source
    where: dict[str, Any] = {
        "source": source.file,
        "start": source.start,
        "end": source.end,
        "heading": source.heading,
        "citation": place(source),
        "quote": found.quote.text,
        "score": found.score,
        "chunk": found.chunk.id,
    }
    if source.page is not None:
        where["page"] = source.page
    return {**found.chunk.metadata, **where}
