"""LangChain: AgentLab's models and indexes in its chains, and its tools in AgentLab's agents.

    from agentlab.frameworks.langchain import as_tool, chat_model, retriever

    model = chat_model("local:agent", temperature=0)      # a BaseChatModel, local or hosted
    found = retriever("my-index", k=3)                    # a BaseRetriever over an index
    agent = Agent(backend="local:agent", tools=[as_tool(their_tool)])

Needs the extra `langchain`, which is langchain-core alone. Nothing here goes to the network but a
hosted model itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlab.backend import Backend
from agentlab.frameworks.needed import need

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from agentlab.frameworks.langchain.model import ChatAgentLab
    from agentlab.frameworks.langchain.passages import IndexRetriever
    from agentlab.tooling import Tool
    from agentlab_tools.knowledge.index import Index
    from agentlab_tools.knowledge.retrieve import Retriever

__all__ = ["as_tool", "chat_model", "retriever"]


def chat_model(
    model: Backend | str, *, options: Mapping[str, Any] | None = None, **fields: Any
) -> ChatAgentLab:
    """An AgentLab model as a LangChain chat model.

    Args:
        model: a backend, or its name as `connect` takes it: `local:agent`, `anthropic:…`.
        options: of `connect`, e.g. `{"n_ctx": 2048}`.
        fields: how to sample (`temperature`, `top_p`, `top_k`, `min_p`, `repeat_penalty`,
            `max_tokens`, `seed`, `stop`); for a hosted model `timeout`, `max_retries` and
            `api_key`; and LangChain's own (`callbacks`, `cache`, `rate_limiter`, …).

    Raises:
        MissingExtra: langchain-core is not installed.
        ConfigError: no such model, or a field it does not have.
    """
    need("langchain_core", "langchain-core", "langchain")
    from agentlab.frameworks.langchain.model import made

    return made(model, options, fields)


def as_tool(
    tool: BaseTool, *, name: str | None = None, timeout: float | None = 120.0, ask: bool = False
) -> Tool[Any]:
    """A LangChain tool as one for AgentLab's agents.

    Args:
        tool: a `BaseTool`, such as `@tool` makes.
        name: another name than its own.
        timeout: seconds one call may take; None for no bound.
        ask: whether a person is asked before every call.

    Raises:
        MissingExtra: langchain-core is not installed.
        ConfigError: it is no LangChain tool, or its name or schema is none that a model can use.
    """
    need("langchain_core", "langchain-core", "langchain")
    from agentlab.frameworks.langchain.tools import tool_from

    return tool_from(tool, name=name, timeout=timeout, ask=ask)


def retriever(
    index: Index | Retriever | Path | str, *, k: int = 4, **options: Any
) -> IndexRetriever:
    """An index of documents as a LangChain retriever.

    Each document's metadata says where it stands: `source`, `start`, `end`, `heading`, `page`,
    `citation` (as it is cited: `notes/plan.md:3-9`), `quote`, `score`, `chunk`.

    Args:
        index: an open index, a `Retriever`, or the folder of an index.
        k: how many passages.
        options: of `Retriever.retrieve`, e.g. `how="dense"`.

    Raises:
        MissingExtra: langchain-core, or what indexes need, is not installed.
        ConfigError: there is no index, or no such option.
    """
    need("langchain_core", "langchain-core", "langchain")
    from agentlab.frameworks.langchain.passages import made

    return made(index, k, options)
