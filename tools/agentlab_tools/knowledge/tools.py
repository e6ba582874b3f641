"""The agent's tools over an index of documents; on the command line `-t documents:INDEX`.

    search_documents   where something is said: places, each with a sentence or two
    retrieve           the passages themselves, whole
    read_source        what stands around a place in one of the documents

Documents are other people's text, so all of it reaches the model as quoted data. Only what is in
the index can be read; no tool here opens a file.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agentlab.display import one_line
from agentlab.errors import ConfigError, ToolError
from agentlab.tooling import Tool, tool
from agentlab_tools.knowledge.index import open_index
from agentlab_tools.knowledge.retrieve import Retriever
from agentlab_tools.knowledge.types import Chunk, Source
from agentlab_tools.quoted import quoted

_PLACES = 5
_AROUND = 20
"""Lines before and after the one asked for."""

Query = Annotated[str, Field(description="a few words or a question", min_length=1, max_length=300)]


def document_tools(retriever: Retriever, *, about: str = "the user's documents") -> list[Tool[Any]]:
    """The three tools, over an open index.

    Args:
        about: what is in there, for the model.
    """

    @tool(description=f"Find where something is said in {about}.", read_only=True)
    def search_documents(query: Query) -> str:
        passages = retriever.retrieve(query, _PLACES)
        if not passages:
            return f"nothing found for {query!r}"
        lines = [f"[{place(one.source)}] {one_line(one.quote.text, 320)}" for one in passages]
        return quoted("\n".join(lines), "what was found in documents")

    @tool(description=f"Get the passages of {about} that fit a question best.", read_only=True)
    def retrieve(
        query: Query,
        top: Annotated[int, Field(description="how many passages", ge=1, le=10)] = 3,
    ) -> str:
        passages = retriever.retrieve(query, top)
        if not passages:
            return f"nothing found for {query!r}"
        return quoted("\n\n".join(written(one.chunk) for one in passages), "passages of documents")

    @tool(description=f"Read on in one of {about}, at a place that was found.", read_only=True)
    def read_source(
        file: Annotated[str, Field(description="as it was found, e.g. notes/plan.md")],
        line: Annotated[int, Field(description="where to read", ge=1)] = 1,
    ) -> str:
        store = retriever.store
        chunks = store.get(store.ids({"file": file}))
        if not chunks:
            raise ToolError(f"no document is called {file!r}: use a name as it was found")
        near = [
            chunk
            for chunk in sorted(chunks, key=lambda chunk: (chunk.source.start, chunk.source.end))
            if chunk.source.start <= line + _AROUND and chunk.source.end >= line - _AROUND
        ]
        if not near:
            last = max(chunk.source.end for chunk in chunks)
            raise ToolError(f"{file} ends at line {last}")
        return quoted("\n\n".join(map(written, near)), "a part of a document")

    return [search_documents, retrieve, read_source]


def place(source: Source) -> str:
    """Where something stands, as it is cited: `notes/plan.md:3-9`."""
    lines = str(source.start) if source.start == source.end else f"{source.start}-{source.end}"
    page = f", page {source.page}" if source.page is not None else ""
    return f"{one_line(source.file, 300)}:{lines}{page}"


def written(chunk: Chunk) -> str:
    """A passage under its place and heading."""
    heading = f" {one_line(chunk.source.heading, 200)}" if chunk.source.heading else ""
    return f"[{place(chunk.source)}]{heading}\n{chunk.text}"


@asynccontextmanager
async def documents(indexes: Sequence[str]) -> AsyncGenerator[tuple[Tool[Any], ...]]:
    """All three tools over the index of a command line.

    Raises:
        ConfigError: not exactly one is named, or it cannot be opened.
    """
    if len(indexes) != 1 or not indexes[0]:
        raise ConfigError("name one index, as in -t documents:INDEX; `agentlab index` makes one")
    index = open_index(indexes[0])
    try:
        yield tuple(document_tools(Retriever(index.store, index.embedder, Path(index.path))))
    finally:
        index.close()


def _only(
    name: str,
) -> Callable[[Sequence[str]], AbstractAsyncContextManager[tuple[Tool[Any], ...]]]:
    @asynccontextmanager
    async def one(indexes: Sequence[str]) -> AsyncGenerator[tuple[Tool[Any], ...]]:
        async with documents(indexes) as tools:
            yield tuple(tool for tool in tools if tool.name == name)

    return one


search_documents = _only("search_documents")
retrieve = _only("retrieve")
read_source = _only("read_source")
