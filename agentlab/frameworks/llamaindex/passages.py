"""An index of ours as a LlamaIndex retriever, with the place of every passage."""

from __future__ import annotations

import asyncio

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType, TextNode

from agentlab.errors import ConfigError
from agentlab.frameworks.searched import Search, where_of
from agentlab_tools.knowledge.retrieve import Found


class IndexRetriever(BaseRetriever):
    """Finds passages. Make one with `retriever`."""

    def __init__(self, search: Search, k: int) -> None:
        self._search = search
        self._k = k
        super().__init__()  # pyright: ignore[reportUnknownMemberType]

    def retrieve(self, str_or_query_bundle: QueryType) -> list[NodeWithScore]:
        """Find passages for a question.

        Raises:
            ConfigError: it is neither a text nor a `QueryBundle`.
        """
        return super().retrieve(_question(str_or_query_bundle))

    async def aretrieve(self, str_or_query_bundle: QueryType) -> list[NodeWithScore]:
        """`retrieve`, awaited."""
        return await super().aretrieve(_question(str_or_query_bundle))

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [node_of(found) for found in self._search(query_bundle.query_str, self._k)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _question(given: object) -> QueryType:
    # LlamaIndex would ask whatever it is for its query_str
    if isinstance(given, str | QueryBundle):
        return given
    raise ConfigError(
        f"a search is for a text or a QueryBundle, and {given!r:.60} is {type(given).__name__}: "
        "give it the question alone"
    )


def node_of(found: Found) -> NodeWithScore:
    """A passage as a node that says where it stands."""
    metadata = where_of(found)
    unsaid = [name for name in metadata if name != "citation"]
    node = TextNode(
        text=found.chunk.text,
        id_=found.chunk.id,
        metadata=metadata,
        excluded_llm_metadata_keys=unsaid,
        excluded_embed_metadata_keys=[*metadata],
    )
    return NodeWithScore(node=node, score=found.score)
