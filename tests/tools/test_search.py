"""Search ranks by BM25, says where a passage stands, and can be pointed at any folder."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentlab.messages import ToolCall
from agentlab_tools.lexical import LexicalIndex, Passage, terms
from agentlab_tools.search import LIBRARY, passages, passages_in, search, search_over


def passage(text: str, heading: str = "") -> Passage:
    return Passage(source="a.md", heading=heading, line=1, text=text)


def test_scores_are_those_of_the_bm25_formula():
    texts = ["red red fox", "red dog barks loudly", "a quiet green field"]
    index = LexicalIndex([passage(text) for text in texts])
    lengths = [len(terms(text)) for text in texts]
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))

    def bm25(count: int, length: int) -> float:
        mean = sum(lengths) / 3
        return idf * count * 2.2 / (count + 1.2 * (1 - 0.75 + 0.75 * length / mean))

    hits = index.search("red", top=5)
    assert [hit.passage.text for hit in hits] == texts[:2]
    assert [hit.score for hit in hits] == pytest.approx(
        [bm25(2, lengths[0]), bm25(1, lengths[1])], rel=1e-6
    )


def test_words_are_found_in_any_form_case_and_accent():
    index = LexicalIndex([passage("The gradients vanish in naïve networks."), passage("Bread.")])
    for query in ("gradient", "GRADIENTS", "vanishing", "naive network"):
        assert [hit.passage.text[:3] for hit in index.search(query)] == ["The"], query


def test_nothing_is_found_where_no_word_occurs():
    index = LexicalIndex([passage("bread and butter")])
    for query in ("zzz", "", "?!", "the of and"):
        assert index.search(query) == () or query == "the of and"


def test_an_empty_index_finds_nothing():
    assert LexicalIndex([]).search("anything") == ()


def test_many_threads_may_search_at_once():
    index = LexicalIndex(passages_in(LIBRARY))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: index.search("low-rank adapters", 1), range(64)))
    assert {hits[0].passage.source for hits in found} == {"lora.md"}


def test_a_passage_says_where_it_stands_and_never_runs_over_a_heading():
    text = "# Title\n\nFirst.\n\n## Part\n\nSecond.\n"
    found = list(passages(text, "doc.md"))
    assert [(p.line, p.heading, p.text) for p in found] == [
        (3, "Title", "First."),
        (7, "Title: Part", "Second."),
    ]


def test_lists_of_sources_are_not_passages():
    assert [p.text for p in passages("# T\n\nSaid.\n\n## Sources\n- A paper", "d.md")] == ["Said."]


@pytest.mark.parametrize(
    ("query", "article"),
    [
        ("what does LoRA freeze", "lora.md"),
        ("Chinchilla tokens per parameter", "scaling-laws.md"),
        ("why do gradients vanish over many steps", "recurrent.md"),
        ("query key value softmax", "attention.md"),
        ("reward model human preferences", "rlhf.md"),
        ("retrieve passages before answering", "rag.md"),
        ("hidden instructions in a web page", "prompt-injection.md"),
    ],
)
def test_the_library_answers_what_learners_ask(query: str, article: str):
    hits = LexicalIndex(passages_in(LIBRARY)).search(query, 3)
    assert article in {hit.passage.source for hit in hits}


async def test_the_tool_returns_passages_with_their_places():
    call = ToolCall(id="1", name="search", arguments='{"query": "quantization"}')
    result = await search.call(call)
    assert result.content.startswith("[quantization.md:")


async def test_a_folder_of_ones_own_can_be_searched_and_an_empty_one_says_so(tmp_path: Path):
    call = ToolCall(id="1", name="notes", arguments='{"query": "treasure"}')
    empty = await search_over(tmp_path, name="notes").call(call)
    assert empty.error == "tool_error"
    assert "no documents" in empty.content
    (tmp_path / "map.txt").write_bytes(b"The treasure lies \xff under the oak.")
    found = await search_over(tmp_path, name="notes").call(call)
    assert found.content.startswith("[map.txt:1]")


async def test_documents_in_other_encodings_are_found_by_their_words_and_lines(tmp_path: Path):
    call = ToolCall(id="1", name="notes", arguments='{"query": "Grüße"}')
    text = "One line\u2028only.\x0c" + "\n" * 4 + "Grüße aus Köln."
    (tmp_path / "cards.txt").write_bytes(text.encode("utf-16"))
    (tmp_path / "mail.txt").write_bytes("Viele Grüße vom Bären".encode("cp1252"))
    found = await search_over(tmp_path, name="notes").call(call)
    assert "Viele Grüße vom Bären" in found.content
    assert "Grüße aus Köln" in found.content
    (tmp_path / "zip.txt").write_bytes(b"PK\x03\x04" + b"\0\1\2" * 99)
    refused = await search_over(tmp_path, name="notes").call(call)
    assert (refused.error, "zip.txt can't be searched" in refused.content) == ("tool_error", True)
