"""Passages: what is in a document is in them, at the lines they say, within their size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab_tools.knowledge.embed.minilm import MiniLM
from agentlab_tools.knowledge.ingest import (
    Document,
    Sizes,
    Unreadable,
    chunks,
    embedded_text,
    parse,
)
from agentlab_tools.knowledge.types import Chunk
from agentlab_tools.search import LIBRARY


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def words(text: str) -> int:
    """A tokenizer whose tokens are words."""
    return len(text.split())


def cut(document: Document, tokens: int = 30, overlap: int = 6) -> list[Chunk]:
    return list(chunks(document, "a.md", words, Sizes(tokens, overlap)))


def check(document: Document, found: list[Chunk]) -> None:
    """Every passage stands where it says, and every part of the document is in one."""
    lines = document.text.split("\n")
    for chunk in found:
        assert chunk.text in "\n".join(lines[chunk.source.start - 1 : chunk.source.end])
        assert chunk.text.split("\n")[0] in lines[chunk.source.start - 1]
        assert chunk.text.split("\n")[-1] in lines[chunk.source.end - 1]
    assert len({chunk.id for chunk in found}) == len(found)
    held = "".join("".join(chunk.text.split()) for chunk in found)
    for block in document.blocks:
        for word in document.text[block.start : block.end].split():
            assert word in held


texts = st.lists(
    st.one_of(
        st.text(alphabet="abcdef .!?\n", max_size=300),
        st.text(max_size=80),
        st.sampled_from(["# One", "## Two", "- item", "```\ncode\n```", "x" * 500, "漢字。" * 40]),
    ),
    max_size=12,
).map("\n\n".join)


@given(texts, st.sampled_from(["a.md", "a.txt", "a.rs"]), st.integers(16, 60))
def test_passages_of_any_text_stand_where_they_say(text: str, name: str, tokens: int) -> None:
    try:
        document = parse(text.encode("utf-8", "replace"), name)
    except Unreadable:
        return
    found = cut(document, tokens)
    check(document, found)
    for chunk in found:
        assert words(chunk.text) <= tokens
        assert name != "a.txt" or chunk.text == chunk.text.strip()
        assert len(chunk.text) <= 2 * 8 * tokens


def test_the_article_library_fits_the_models_window(minilm: MiniLM) -> None:
    for file in sorted(LIBRARY.glob("*.md"))[:12]:
        document = parse(file.read_bytes(), file.name)
        found = list(chunks(document, file.name, minilm.count_tokens))
        check(document, found)
        for chunk in found:
            assert minilm.count_tokens(embedded_text(chunk)) <= 254


def test_passages_share_their_last_sentences() -> None:
    text = " ".join(f"Sentence number {n} is here." for n in range(20))
    found = cut(parse(text.encode(), "a.txt"), tokens=20, overlap=5)
    assert len(found) > 4
    for one, other in pairwise(found):
        last = one.text.split(". ")[-1]
        assert other.text.startswith(last)


def test_without_overlap_nothing_is_said_twice() -> None:
    text = " ".join(f"Sentence number {n} is here." for n in range(20))
    found = cut(parse(text.encode(), "a.txt"), tokens=20, overlap=0)
    assert " ".join(chunk.text for chunk in found) == text


def test_passages_do_not_cross_headings() -> None:
    text = "# A\n\none two\n\n## B\n\nthree four\n\n# C\n\nfive\n"
    found = cut(parse(text.encode(), "a.md"))
    assert [(c.source.heading, c.text, c.source.start) for c in found] == [
        ("A", "one two", 3),
        ("A > B", "three four", 7),
        ("C", "five", 11),
    ]
    assert embedded_text(found[1]) == "A: B\nthree four"


def test_a_paragraph_is_kept_whole_where_that_wastes_little() -> None:
    text = "one two three four five six.\n\nseven eight nine. ten eleven twelve.\n"
    found = cut(parse(text.encode(), "a.txt"), tokens=9, overlap=0)
    assert [c.text for c in found] == [part.strip() for part in text.split("\n\n")]


def test_code_is_cut_at_lines() -> None:
    text = "\n".join(f"    call_{n}(a, b)" for n in range(40))
    for chunk in cut(parse(text.encode(), "a.js"), tokens=10, overlap=2):
        assert all(line.startswith("call_") for line in map(str.strip, chunk.text.split("\n")))


def test_a_word_without_end_is_cut(minilm: MiniLM) -> None:
    document = parse(b"x" * 50_000, "a.txt")
    found = list(chunks(document, "a.txt", minilm.count_tokens, Sizes(100, 0)))
    assert "".join(chunk.text for chunk in found) == document.text
    assert max(len(chunk.text) for chunk in found) <= 800


def test_the_same_passage_has_the_same_id_and_another_place_another() -> None:
    once = cut(parse(b"# A\n\nsame words\n\n# B\n\nsame words\n", "a.md"))
    again = cut(parse(b"# A\n\nsame words\n\n# B\n\nsame words\n", "a.md"))
    assert [c.id for c in once] == [c.id for c in again]
    assert once[0].id != once[1].id


def test_prose_loses_its_indentation_and_code_keeps_it() -> None:
    assert [c.text for c in cut(parse(b"   An indented line.\n", "a.txt"))] == ["An indented line."]
    assert [c.text for c in cut(parse(b"x {\n\n    deep();\n", "a.js"))] == ["x {\n\n    deep();"]
