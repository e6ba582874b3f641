"""An index of ours as a LangChain retriever, with the place of every passage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from agentlab.frameworks.searched import Search, search_of, where_of
from agentlab_tools.knowledge.index import Index
from agentlab_tools.knowledge.retrieve import Found, Retriever


class IndexRetriever(BaseRetriever):
    """Finds passages. Make one with `retriever`."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    search: Search = Field(exclude=True, repr=False)
    k: int = 4

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        **options: Any,
    ) -> list[Document]:
        return [
            document_of(found)
            for found in self.search(query, self.k if k is None else k, **options)
        ]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        **options: Any,
    ) -> list[Document]:
        found = await asyncio.to_thread(
            partial(self.search, query, self.k if k is None else k, **options)
        )
        return [document_of(one) for one in found]


def made(
    index: Index | Retriever | Path | str, k: int, options: Mapping[str, Any]
) -> IndexRetriever:
    """A retriever over an index."""
    return IndexRetriever(search=search_of(index, options), k=k)


def document_of(found: Found) -> Document:
    """A passage as a document that says where it stands."""
    return Document(page_content=found.chunk.text, id=found.chunk.id, metadata=where_of(found))
