"""What holds of every store alike: one suite, run on each of them."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import store_killed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pinecone_server import KEY, PineconeServer

from agentlab.errors import AuthError, ConfigError, MissingKey
from agentlab_tools.knowledge.stores import FILES, Kind, open_store
from agentlab_tools.knowledge.stores.records import matches
from agentlab_tools.knowledge.types import Chunk, Identity, Source, Store

KINDS: list[Kind] = ["chroma", "faiss", "duckdb", "pinecone"]
ON_DISK = KINDS[:3]
SIZE = 12
MODEL = Identity("random", SIZE)
Open = Callable[..., Store]


def unit(seed: int, count: int, size: int = SIZE) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def chunk(id: str, text: str = "text", **metadata: str | int | float | bool) -> Chunk:
    return Chunk(id, text, Source("a.md", 1, 2, "Part > One"), metadata)


def many(count: int) -> list[Chunk]:
    return [chunk(f"c{n}", f"text {n}", n=n, even=n % 2 == 0) for n in range(count)]


@pytest.fixture(params=KINDS)
def opened(request, tmp_path: Path) -> Iterator[Open]:
    """Opens the one store of a test, as often as it likes."""
    kind = request.param
    stores: list[Store] = []
    server = PineconeServer(SIZE) if kind == "pinecone" else None

    def open_one(identity: Identity | None = MODEL) -> Store:
        if server:
            stores.append(open_store("docs/mine", identity, kind, api_key=KEY, host=server.url))
        else:
            stores.append(open_store(tmp_path / "index", identity, kind))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()
    if server:
        server.close()


def test_what_is_put_in_comes_out_as_it_was(opened: Open):
    store = opened()
    page = Chunk(
        "p", "Größe\n\u4f60 \U0001f600 \x00", Source("ü ä.pdf", 3, 9, "§ 1", page=7), {"a": 1}
    )
    plain = Chunk("q", "", Source("b.md", 1, 1))
    store.upsert([page, plain], vectors := unit(0, 2))
    assert store.get(["q", "missing", "p"]) == [plain, page]
    assert np.allclose(store.vectors(["q", "p"]), vectors[::-1], atol=1e-6)
    assert store.count() == 2
    assert sorted(store.ids()) == ["p", "q"]
    with pytest.raises(KeyError):
        store.vectors(["missing"])


def test_the_nearest_come_first_with_their_cosine(opened: Open):
    store = opened()
    store.upsert(many(40), vectors := unit(1, 40))
    query = unit(2, 1)[0]
    found = store.search(query, 5)
    exact = vectors @ query
    assert [m.chunk.id for m in found] == [f"c{n}" for n in np.argsort(-exact)[:5]]
    assert [m.score for m in found] == pytest.approx(sorted(exact, reverse=True)[:5], abs=1e-5)
    assert found[0].chunk == store.get([found[0].chunk.id])[0]


def test_more_may_be_asked_for_than_there_is_and_nothing_too(opened: Open):
    store = opened()
    query = unit(3, 1)[0]
    assert store.search(query, 10) == []
    assert store.get([]) == [] == store.ids()
    assert store.vectors([]).shape == (0, SIZE)
    store.upsert([], np.empty((0, SIZE), np.float32))
    store.delete(["missing"])
    store.upsert(many(3), unit(3, 3))
    assert len(store.search(query, 100)) == 3
    assert store.search(query, 0) == []
    store.delete([])
    assert store.count() == 3


def test_filters_look_at_metadata_and_at_the_source(opened: Open):
    store = opened()
    chunks = [
        *many(10),
        Chunk("pdf", "x", Source("b.pdf", 1, 1, page=3), {"kind": "pdf", "flag": True, "n": 2.0}),
        Chunk("own", "x", Source("c.md", 1, 1, page=3), {"page": "iii", "#odd key": 0.5}),
    ]
    store.upsert(chunks, unit(4, 12))
    cases = [
        {"even": True},
        {"n": 2},
        {"n": 2.0},
        {"even": 1},
        {"flag": True, "kind": "pdf"},
        {"kind": "pdf", "n": 3},
        {"page": 3},
        {"page": "iii"},
        {"file": "a.md"},
        {"heading": "Part > One", "even": False},
        {"#odd key": 0.5},
        {"nothing": "x"},
        {"n": float("nan")},
        {},
    ]
    query = unit(5, 1)[0]
    for where in cases:
        expected = {c.id for c in chunks if matches(c, where)}
        assert set(store.ids(where)) == expected, where
        assert {m.chunk.id for m in store.search(query, 20, where)} == expected, where
    assert set(store.ids({"n": 2})) == {"c2", "pdf"}


def test_a_filter_does_not_cost_results(opened: Open):
    store = opened()
    store.upsert(many(200), vectors := unit(6, 200))
    query = vectors[0]
    furthest = int(np.argmin(vectors @ query))
    assert [m.chunk.id for m in store.search(query, 1, {"n": furthest})] == [f"c{furthest}"]


def test_a_chunk_is_replaced_as_a_whole(opened: Open):
    store = opened()
    vectors = unit(7, 3)
    store.upsert([chunk("a", "old", kind="pdf", n=1), chunk("b")], vectors[:2])
    new = Chunk("a", "new", Source("z.md", 5, 6), {"n": 2})
    # Of two with one id in the same call the later counts
    store.upsert([chunk("a", "between"), new], vectors[1:])
    assert store.count() == 2
    assert store.get(["a"]) == [new]
    assert store.ids({"kind": "pdf"}) == store.ids({"n": 1}) == []
    best = store.search(vectors[2], 1)[0]
    assert (best.chunk, best.score) == (new, pytest.approx(1, abs=1e-5))


def test_what_is_deleted_is_found_no_more(opened: Open):
    store = opened()
    store.upsert(many(20), vectors := unit(8, 20))
    store.delete(["c3", "missing", "c4", "c3"])
    assert store.count() == 18
    assert store.get(["c3", "c5"]) == [many(6)[5]]
    assert not {"c3", "c4"} & {m.chunk.id for m in store.search(vectors[3], 20)}
    store.upsert([chunk("c3", "back")], vectors[3:4])
    assert store.search(vectors[3], 1)[0].chunk.text == "back"


def test_it_is_all_there_when_opened_again(opened: Open):
    store = opened()
    store.upsert(many(30), vectors := unit(9, 30))
    store.delete(["c0"])
    before = store.search(vectors[0], 30)
    store.close()
    again = opened(None)
    assert again.identity == MODEL
    assert again.count() == 29
    after = again.search(vectors[0], 30)
    assert [m.chunk for m in after] == [m.chunk for m in before]
    assert [m.score for m in after] == pytest.approx([m.score for m in before], abs=1e-5)


def test_two_embedders_do_not_mix(opened: Open):
    opened().close()
    for other in (Identity("another", SIZE), Identity("random", SIZE + 1)):
        with pytest.raises(ConfigError, match=r"random \(12 dimensions\)") as caught:
            opened(other)
        assert other.model in str(caught.value)
        assert "\n" not in str(caught.value)
    opened(MODEL)  # and a refusal leaves it as it was


def test_what_is_not_a_unit_vector_of_its_size_is_refused(opened: Open):
    store = opened()
    for bad in (
        unit(0, 2),
        unit(0, 1, SIZE + 1),
        unit(0, 1) * np.float32(2),
        np.float32(np.nan) * unit(0, 1),
    ):
        with pytest.raises(ValueError, match="vectors"):
            store.upsert([chunk("a")], bad)
    with pytest.raises(ValueError, match="dimensions"):
        store.search(np.ones(SIZE + 1, np.float32), 1)
    assert store.count() == 0


def test_many_threads_may_search_while_one_writes(opened: Open):
    store = opened()
    store.upsert(many(50), vectors := unit(10, 50))
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(store.search, vectors[n % 50], 1) for n in range(40)]
        for n in range(5):
            store.upsert([chunk(f"new{n}")], unit(100 + n, 1))
        best = [f.result()[0] for f in found]
    assert [m.chunk.id for m in best] == [f"c{n % 50}" for n in range(40)]
    assert store.count() == 55


ids = st.sampled_from(["a", "b", "c", "é", "日本", "d%41", "e f/g?h#i"])
values = st.one_of(
    st.text(max_size=5), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 2.0, -1e300])
)
names = st.sampled_from(["k", "page", "file", "$odd", "chroma:x", "~", "agentlab.record"])
put = st.tuples(
    st.just("put"),
    st.lists(
        st.tuples(
            ids, st.text(max_size=8), st.dictionaries(names, values, max_size=2), st.integers(0, 99)
        ),
        max_size=4,
    ),
)
drop = st.tuples(st.just("drop"), st.lists(ids, max_size=3))
look = st.tuples(
    st.just("look"),
    st.integers(0, 99),
    st.integers(0, 9),
    st.none() | st.dictionaries(names, values, max_size=2),
)
reopen = st.tuples(st.just("reopen"))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(steps=st.lists(st.one_of(put, put, drop, look, look, reopen), max_size=14))
def test_any_history_ends_where_a_dictionary_would(kind: Kind, steps: list[Any]):
    """Against a plain dictionary and NumPy, whatever is put, dropped, looked for and reopened."""
    server = PineconeServer(SIZE) if kind == "pinecone" else None
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = {"api_key": KEY, "host": server.url} if server else {}
        place = "docs" if server else folder
        store = open_store(place, MODEL, kind, **options)
        try:
            model: dict[str, tuple[Chunk, np.ndarray]] = {}
            for step in steps:
                match step:
                    case ("put", rows):
                        chunks = [Chunk(i, t, Source("s", 1, 1), m) for i, t, m, _ in rows]
                        vectors = np.array([unit(seed, 1)[0] for *_, seed in rows]).reshape(
                            -1, SIZE
                        )
                        store.upsert(chunks, vectors)
                        model.update((c.id, (c, v)) for c, v in zip(chunks, vectors, strict=True))
                    case ("drop", gone):
                        store.delete(gone)
                        for id in gone:
                            model.pop(id, None)
                    case ("reopen",):
                        store.close()
                        store = open_store(place, None if model else MODEL, kind, **options)
                    case ("look", seed, k, where):
                        query = unit(seed, 1)[0]
                        chosen = {i: cv for i, cv in model.items() if matches(cv[0], where)}
                        assert set(store.ids(where)) == set(chosen)
                        found = store.search(query, k, where)
                        exact = sorted((float(v @ query) for _, v in chosen.values()), reverse=True)
                        assert [m.score for m in found] == pytest.approx(exact[:k], abs=1e-5)
                        assert all(m.chunk == chosen[m.chunk.id][0] for m in found)
                    case _:
                        raise AssertionError(step)
            assert store.count() == len(model)
            assert store.get(list(model)) == [c for c, _ in model.values()]
        finally:
            store.close()
            if server:
                server.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ON_DISK)
def test_a_killed_process_leaves_a_store_that_opens_and_goes_on(kind: Kind, tmp_path: Path):
    """What `upsert` returned from is there; of the batch under way, all or nothing of each call.

    A graph is searched approximately, and what it was made of in which order differs with the
    moment of the kill: of some thousand vectors, one was once not found by its own likes.
    """
    searched, missed = 0, list[str]()
    chance = random.Random(20261124)
    for round in range(12):
        folder = tmp_path / str(round)
        command = [sys.executable, store_killed.__file__, kind, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            done = [int(process.stdout.readline()) for _ in range(chance.randint(1, 12))]
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            done += [int(line) for line in process.stdout.read().split("\n")[:-1]]
        store = open_store(folder, store_killed.IDENTITY, kind)
        for n in done:
            chunks, vectors = store_killed.batch(n)
            dropped = f"{n}-4" if n % 3 == 2 else None
            for chunk, vector in zip(chunks, vectors, strict=True):
                if chunk.id == dropped:
                    assert store.get([chunk.id]) == []
                    continue
                assert store.get([chunk.id])[0].source == chunk.source
                assert np.allclose(store.vectors([chunk.id])[0], vector, atol=1e-6)
                searched += 1
                if store.search(vector, 1)[0].chunk.id != chunk.id:
                    missed.append(chunk.id)
        left = store_killed.batch(done[-1] + 1)[0]
        there = store.get([chunk.id for chunk in left])
        assert len(there) in (0, 4, 5)
        store.upsert(*store_killed.batch(500))
        assert store.search(store_killed.batch(500)[1][2], 1)[0].chunk.id == "500-2"
        store.close()
    assert len(missed) <= (searched // 100 if kind == "chroma" else 0), missed


def test_a_store_is_opened_as_what_it_is(tmp_path: Path):
    for kind in ON_DISK:
        open_store(tmp_path / kind, MODEL, kind).close()
        again = open_store(tmp_path / kind)
        assert again.identity == MODEL
        again.close()
    with pytest.raises(ConfigError, match="open it as faiss"):
        open_store(tmp_path / "faiss", MODEL, "chroma")
    with pytest.raises(ConfigError, match="agentlab index"):
        open_store(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(ConfigError, match="there are: chroma, faiss, duckdb, pinecone"):
        open_store(tmp_path / "x", MODEL, "oracle")  # pyright: ignore[reportArgumentType]


def test_a_damaged_file_is_one_clear_line(tmp_path: Path):
    for file, kind in FILES.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / file).write_bytes(b"not what it says" * 1000)
        with pytest.raises(ConfigError, match="can't be opened") as caught:
            open_store(folder, MODEL, kind)
        assert "\n" not in str(caught.value)


def test_pinecone_gets_batches_that_fit_and_its_refusals_are_told(tmp_path: Path):
    server = PineconeServer(SIZE)
    try:
        store = open_store("docs/mine", MODEL, "pinecone", api_key=KEY, host=server.url)
        server.requests.clear()
        store.upsert(many(450), unit(1, 450))
        sent = [len(body["vectors"]) for path, body in server.requests if path.endswith("upsert")]
        assert sent == [200, 200, 50]
        assert {body["namespace"] for _, body in server.requests} == {"mine"}
        assert len(store.ids()) == len(store.get([f"c{n}" for n in range(450)])) == 450
        with pytest.raises(ConfigError, match="shorter passages"):
            store.upsert([chunk("big", "x" * 41_000)], unit(0, 1))
        store.close()
        other = open_store("docs/other", MODEL, "pinecone", api_key=KEY, host=server.url)
        assert other.count() == 0
        other.close()
        for options, error, said in (
            ({"api_key": "wrong", "host": server.url}, AuthError, "does not accept the key"),
            ({"host": server.url}, MissingKey, "PINECONE_API_KEY"),
        ):
            with pytest.raises(error, match=said):
                open_store("docs", MODEL, "pinecone", **options)
        with pytest.raises(ConfigError, match="no index 'none' in Pinecone"):
            open_store("none", MODEL, "pinecone", api_key=KEY, host=server.url)
    finally:
        server.close()
