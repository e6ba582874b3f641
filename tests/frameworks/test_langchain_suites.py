"""LangChain's own standard suites: the packaged model in this process, and a service.

What is skipped, its suite skips itself: pictures, sounds, PDF and Anthropic's own blocks, which no
model here takes; the model of a call named anew, as a model is opened once; and serialization.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from knowledge.indexing import HashedWords

pytest.importorskip("langchain_tests", reason="langchain-tests is not installed")

from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import ChatModelIntegrationTests, RetrieversIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from service import service

from agentlab.backend import Backend
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.frameworks.langchain import retriever
from agentlab.frameworks.langchain.model import ChatAgentLab
from agentlab.frameworks.langchain.passages import IndexRetriever
from agentlab_tools.knowledge.index import Index, open_index


class TestHostedUnit(ChatModelUnitTests):
    """A hosted model that is not asked."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAgentLab

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "openai:gpt-5", "options": {"env": {"OPENAI_API_KEY": "none"}}}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"OPENAI_API_KEY": "none"}, {"model": "openai:gpt-5"}, {"model": "openai:gpt-5"}


class OnAModel(ChatModelIntegrationTests):
    """The suite, on a model that is small: greedy, and kept from going round in circles."""

    given: ClassVar[Backend | str]
    most: ClassVar[int]

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAgentLab

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.given, "max_tokens": self.most}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        return {"temperature": 0, "stop": [], "repeat_penalty": 1.2}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return False

    @pytest.fixture(autouse=True)
    def _few_tokens(self, request: pytest.FixtureRequest) -> None:
        typed = any(word in request.node.name for word in ("structured", "json", "tool", "agent"))
        type(self).most = 100 if typed else 16


class TestLocal(OnAModel):
    """In this process."""

    @pytest.fixture(autouse=True)
    def _loaded(self, local: LlamaCpp) -> None:
        type(self).given = local


class TestService(OnAModel):
    """A service on loopback that speaks OpenAI's protocol, whose answers fit what is asked."""

    @pytest.fixture(autouse=True, scope="class")
    def _served(self) -> Iterator[None]:
        with service() as url:
            TestService.given = f"{url}/v1#served"
            yield


class TestRetriever(RetrieversIntegrationTests):
    """An index of a few notes."""

    index: ClassVar[Index]

    @pytest.fixture(autouse=True, scope="class")
    def _indexed(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        folder = tmp_path_factory.mktemp("notes")
        for name in ("tea", "coffee", "water", "milk"):
            (folder / f"{name}.md").write_text(f"# {name.title()}\n\nA drink is made: {name}.\n")
        embedder = HashedWords()
        made = tmp_path_factory.mktemp("index") / "index"
        with open_index(made, embedder=embedder, store="duckdb", create=True) as index:
            index.update(folder)
            TestRetriever.index = index
            yield

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return IndexRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"search": retriever(self.index).search}

    @property
    def retriever_query_example(self) -> str:
        return "a drink"
