"""Rankings are fused, thinned and quoted as the papers say; filters, changes and models hold."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.backend import BackendIdentity, Reply, TokenInfo
from agentlab.backends import connect
from agentlab.errors import ConfigError
from agentlab.messages import Message
from agentlab_tools.knowledge.retrieve import (
    Retriever,
    marginal_relevance,
    quotable,
    reciprocal_ranks,
    rerank,
    sentences,
)
from agentlab_tools.knowledge.stores import open_store
from agentlab_tools.knowledge.types import Chunk, Identity, Source


class Bags:
    """An embedder whose vectors are counts of letters: alike in letters is alike in meaning."""

    identity = Identity("letters", 26)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.full((len(texts), 26), 0.01, np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    rows[row, ord(letter) - 97] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


TEXTS = {
    "cats": "Cats sleep most of the day. A kitten purrs when it is content.",
    "dogs": "Dogs bark at strangers. A puppy chews on shoes.",
    "trains": "The night train to Vienna leaves at nine. Sleeping cars are full in summer.",
    "bread": "Bread rises because yeast makes gas. Knead the dough for ten minutes.",
}


def chunks(texts: dict[str, str] = TEXTS) -> list[Chunk]:
    return [
        Chunk(name, text, Source(f"{name}.md", 1, 2), {"animal": name in ("cats", "dogs")})
        for name, text in texts.items()
    ]


@pytest.fixture(params=["chroma", "faiss", "duckdb"])
def retriever(request, tmp_path: Path):
    embedder = Bags()
    store = open_store(tmp_path, embedder.identity, request.param)
    store.upsert(chunks(), embedder.embed(list(TEXTS.values())))
    opened = Retriever(store, embedder, tmp_path)
    yield opened
    opened.close()


def names(found) -> list[str]:
    return [one.chunk.id for one in found]


def test_fusion_adds_up_reciprocal_ranks():
    fused = reciprocal_ranks({"one": ["a", "b", "c"], "two": ["x", "y", "b", "z"]})
    assert fused["b"] == pytest.approx(1 / 62 + 1 / 63)
    assert fused["a"] == fused["x"] == pytest.approx(1 / 61)
    assert list(fused)[:3] == ["b", "a", "x"]
    assert list(reciprocal_ranks({"one": ["a"], "two": ["b"]}, weights={"two": 2})) == ["b", "a"]
    assert list(reciprocal_ranks({"one": ["a", "b"], "two": ["b"]}, k0=0)) == ["b", "a"]


@given(st.lists(st.permutations("abcdef"), min_size=1, max_size=4))
def test_fusion_never_puts_what_all_rank_lower_higher(rankings):
    fused = list(reciprocal_ranks({str(n): r for n, r in enumerate(rankings)}))
    for one in "abcdef":
        for other in "abcdef":
            if all(r.index(one) < r.index(other) for r in rankings):
                assert fused.index(one) < fused.index(other)


def test_diversity_passes_over_what_repeats_a_better_one():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert marginal_relevance([0.9, 0.89, 0.5], vectors, 2, 1.0) == [0, 1]
    assert marginal_relevance([0.9, 0.89, 0.5], vectors, 2, 0.5) == [0, 2]
    assert marginal_relevance([0.9, 0.89, 0.5], vectors, 9, 0.5) == [0, 2, 1]
    assert marginal_relevance([], vectors[:0], 3, 0.5) == []


def test_each_way_of_searching_says_what_its_scores_are_made_of(retriever: Retriever):
    lexical = retriever.retrieve("train to Vienna", how="lexical")
    assert names(lexical) == ["trains"]
    assert lexical[0].parts == {"lexical": lexical[0].score}
    dense = retriever.retrieve(TEXTS["dogs"], how="dense")
    assert (names(dense)[0], len(dense)) == ("dogs", 4)
    assert dense[0].score == pytest.approx(1, abs=1e-5)
    both = retriever.retrieve("kitten", 4)
    assert names(both)[0] == "cats"
    assert both[0].parts.keys() == {"dense", "lexical", "fused"}
    assert both[-1].parts.keys() == {"dense", "fused"}
    assert [one.score for one in both] == sorted((one.score for one in both), reverse=True)
    assert both[0].source == Source("cats.md", 1, 2)


def test_nothing_asked_is_nothing_found(retriever: Retriever):
    assert retriever.retrieve("  ") == []
    assert retriever.retrieve("cats", 0) == []
    assert retriever.retrieve("zzzz qqqq", how="lexical") == []
    with pytest.raises(ConfigError, match="hybrid, dense, lexical"):
        retriever.retrieve("cats", how="magic")  # pyright: ignore[reportArgumentType]


def test_filters_hold_for_words_too(retriever: Retriever):
    for how in ("dense", "lexical", "hybrid"):
        found = retriever.retrieve("sleep in summer, cats", how=how, where={"animal": False})
        assert "trains" in names(found), how
        assert set(names(found)) <= {"trains", "bread"}, how


def test_what_is_added_and_removed_later_is_seen(retriever: Retriever, tmp_path: Path):
    assert names(retriever.retrieve("yeast", how="lexical")) == ["bread"]
    new = chunks({"beer": "Yeast turns sugar into beer."})
    retriever.store.upsert(new, Bags().embed([new[0].text]))
    retriever.store.delete(["bread"])
    retriever.refresh()
    assert names(retriever.retrieve("yeast", how="lexical")) == ["beer"]


def test_words_are_kept_beside_the_store_and_a_second_reader_does_without(
    retriever: Retriever, tmp_path: Path
):
    retriever.retrieve("cats", how="lexical")
    if not (tmp_path / "words.duckdb").exists():
        pytest.skip("this store has words of its own")
    other = Retriever(retriever.store, Bags(), tmp_path / "not" / "there")
    assert names(other.retrieve("kitten", how="lexical")) == ["cats"]


def test_diverse_results_leave_out_repetitions(tmp_path: Path):
    embedder = Bags()
    texts = {**TEXTS, "cats again": TEXTS["cats"], "cats thrice": TEXTS["cats"]}
    store = open_store(tmp_path, embedder.identity)
    store.upsert(chunks(texts), embedder.embed(list(texts.values())))
    retriever = Retriever(store, embedder)
    plain = retriever.retrieve("cats sleep", 3)
    assert sum(name.startswith("cats") for name in names(plain)) == 3
    diverse = retriever.retrieve("cats sleep", 2, balance=0.3)
    assert names(diverse)[0] == names(plain)[0]
    assert not names(diverse)[1].startswith("cats")
    retriever.close()


def test_another_embedder_is_refused(tmp_path: Path):
    with (
        pytest.raises(ConfigError, match="another, and the questions would be embedded by letters"),
    ):
        Retriever(open_store(tmp_path, Identity("another", 26)), Bags())


def test_sentences_are_the_text_word_for_word():
    text = 'First one, e.g. this.  "Second?" Third has 3.5 parts.\n\n- A list\n- of two\n\nEnd'
    spans = sentences(text)
    assert [s.text for s in spans] == [
        "First one, e.g. this.",
        '"Second?"',
        "Third has 3.5 parts.",
        "- A list",
        "- of two",
        "End",
    ]
    assert all(text[s.start : s.end] == s.text for s in spans)


@given(st.text(max_size=200), st.text(max_size=20))
def test_a_quote_is_always_a_part_of_its_passage(text: str, query: str):
    span = quotable(text, query)
    assert text[span.start : span.end] == span.text
    assert len(span.text) <= 300


def test_the_quote_is_the_sentence_that_answers():
    text = "Yeast is alive. Dough rises because yeast makes gas. Ovens are hot."
    assert quotable(text, "why does dough rise").text == "Dough rises because yeast makes gas."
    assert quotable(text, "zzz").text == "Yeast is alive."
    assert quotable(text, "hoot vrsn", Bags()).text == "Ovens are hot."
    both = quotable(
        "It was built in 1932. The bridge is steel. It is red.", "steel bridge built 1932"
    )
    assert both.text == "It was built in 1932. The bridge is steel."
    assert quotable("", "x").text == ""


class Asker:
    """A backend that finds any question likely after a passage that it likes."""

    identity = BackendIdentity(name="asker", model="asker")

    def __init__(self, likes: str, tokens: bool = True) -> None:
        self.likes, self.tokens = likes, tokens

    async def stream(self, messages, *, tools=(), settings=None, output=None):
        assert output == {"const": "animals"}
        likely = -1.0 if self.likes in messages[-1].text else -3.0
        tokens = tuple(TokenInfo(id=n, text="x", logprob=likely + n) for n in (0, 1))
        yield Reply(message=Message.assistant("animals"), tokens=tokens if self.tokens else ())

    async def aclose(self) -> None:
        """Nothing to free."""


async def test_a_model_puts_what_leads_to_the_question_first(retriever: Retriever):
    found = retriever.retrieve("animals that sleep", 4)
    again = await rerank("animals", found, Asker("Dogs"))
    assert names(again)[0] == "dogs"
    assert again[0].score == again[0].parts["rerank"] == pytest.approx(-0.5)
    # The rest, which it likes equally, stays in order
    assert names(again)[1:] == [name for name in names(found) if name != "dogs"]
    with pytest.raises(ConfigError, match="no log-probabilities"):
        await rerank("animals", found, Asker("Dogs", tokens=False))


@pytest.mark.slow
@pytest.mark.parametrize("retriever", ["duckdb"], indirect=True)
async def test_the_local_model_finds_the_passage_that_answers(retriever: Retriever):
    model = connect("local:smollm2", threads=1)
    questions = {
        "Why does bread rise?": "bread",
        "When do kittens purr?": "cats",
        "When does the train to Vienna leave?": "trains",
    }
    for question, name in questions.items():
        found = retriever.retrieve(question, 4, how="dense")
        random.Random(1).shuffle(found)
        again = await rerank(question, found, model)
        assert (len(again), again[0].chunk.id) == (4, name)
    await model.aclose()
