"""LlamaIndex: AgentLab's models and indexes in its pipelines, its tools in AgentLab's agents.

    from agentlab.frameworks.llamaindex import as_tool, llm, retriever

    model = llm("local:agent", temperature=0)             # a FunctionCallingLLM, local or hosted
    found = retriever("my-index", k=3)                    # a BaseRetriever over an index
    agent = Agent(backend="local:agent", tools=[as_tool(their_tool)])

Needs the extra `llamaindex`, which is llama-index-core alone. Nothing here goes to the network but
a hosted model itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab.backend import Backend
from agentlab.frameworks.needed import need

if TYPE_CHECKING:
    from llama_index.core.tools import BaseTool

    from agentlab.frameworks.llamaindex.model import AgentLabLLM
    from agentlab.frameworks.llamaindex.passages import IndexRetriever
    from agentlab.tooling import Tool
    from agentlab_tools.knowledge.index import Index
    from agentlab_tools.knowledge.retrieve import Retriever

__all__ = ["as_tool", "llm", "retriever"]


def llm(
    model: Backend | str,
    *,
    options: Mapping[str, Any] | None = None,
    context_window: int | None = None,
    **fields: Any,
) -> AgentLabLLM:
    """An AgentLab model as a LlamaIndex LLM.

    Args:
        model: a backend, or its name as `connect` takes it: `local:agent`, `anthropic:…`.
        options: of `connect`, e.g. `{"n_ctx": 2048}`.
        context_window: in tokens; a local model's is known, a hosted one's is taken to be 32,768.
        fields: how to sample (`temperature`, `top_p`, `top_k`, `min_p`, `repeat_penalty`,
            `max_tokens`, `seed`, `stop`); for a hosted model `timeout`, `max_retries` and
            `api_key`; and LlamaIndex's own (`system_prompt`, `callback_manager`, …).

    Raises:
        MissingExtra: llama-index-core is not installed.
        ConfigError: no such model, or a field it does not have.
    """
    need("llama_index", "llama-index-core", "llamaindex")
    from agentlab.frameworks.llamaindex.model import made

    return made(model, options, context_window, fields)


def as_tool(
    tool: BaseTool, *, name: str | None = None, timeout: float | None = 120.0, ask: bool = False
) -> Tool[Any]:
    """A LlamaIndex tool, such as a `FunctionTool`, as one for AgentLab's agents.

    Args:
        tool: theirs.
        name: another name than its own.
        timeout: seconds one call may take; None for no bound.
        ask: whether a person is asked before every call.

    Raises:
        MissingExtra: llama-index-core is not installed.
        ConfigError: it is no LlamaIndex tool, or its name is none that a model can use.
    """
    need("llama_index", "llama-index-core", "llamaindex")
    from agentlab.frameworks.llamaindex.tools import tool_from

    return tool_from(tool, name=name, timeout=timeout, ask=ask)


def retriever(
    index: Index | Retriever | Path | str, *, k: int = 4, **options: Any
) -> IndexRetriever:
    """An index of documents as a LlamaIndex retriever.

    Each node's metadata says where it stands, by the same names as in LangChain's documents; a
    model that is shown a node reads its `citation` and no more of them.

    Args:
        index: an open index, a `Retriever`, or the folder of an index.
        k: how many passages.
        options: of `Retriever.retrieve`, e.g. `how="dense"`.

    Raises:
        MissingExtra: llama-index-core, or what indexes need, is not installed.
        ConfigError: there is no index, or no such option.
    """
    need("llama_index", "llama-index-core", "llamaindex")
    from agentlab.frameworks.llamaindex.passages import IndexRetriever
    from agentlab.frameworks.searched import search_of

    return IndexRetriever(search_of(index, options), k)
