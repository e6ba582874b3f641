"""Files that go along to a node: which, when they are fetched, and by which name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentlab_tools.cluster.enclosed import enclosed, referred, unpacked


class Store:
    """Objects by reference, as Ray keeps them; it notes what was fetched."""

    def __init__(self) -> None:
        self.fetched: list[bytes] = []

    def put(self, thing: Any) -> tuple[bytes]:
        return (thing,)

    def get(self, reference: tuple[bytes]) -> bytes:
        self.fetched.append(reference[0])
        return reference[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("base.gguf", "one.gguf", "two.gguf", "data.jsonl"):
        (folder / name).write_text(f"{name} at home")
    return folder


def sent(value: str, home: Path, inputs: Path, store: Store) -> str:
    text, files = enclosed(value, home)
    references = referred(store, files)
    for path in files:
        Path(path).unlink()  # another machine
    return unpacked(text, files, references, inputs, store.get)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("base.gguf", ["base.gguf"]),
        ("data.jsonl", ["data.jsonl"]),
        ("local:smollm2+one.gguf", ["one.gguf"]),
        ("base.gguf+one.gguf+two.gguf", ["base.gguf", "one.gguf", "two.gguf"]),
    ],
)
def test_what_a_node_lacks_is_found_there_under_its_own_name(
    value: str, named: list[str], home: Path, tmp_path: Path
) -> None:
    there = sent(value, home, tmp_path / "node", Store()).split("+")
    assert [piece for piece in there if ":" in piece] == ["local:smollm2"] * (":" in value)
    paths = [Path(piece) for piece in there if ":" not in piece]
    assert [path.name for path in paths] == named
    assert [path.read_text() for path in paths] == [f"{name} at home" for name in named]
    assert all(path.is_relative_to(tmp_path / "node") for path in paths)


@pytest.mark.parametrize("value", ["", "local:smollm2", "hf:a/b/c.gguf", "no.gguf", "a + b", "1+x"])
def test_what_names_no_file_stays_as_it_is(value: str, home: Path, tmp_path: Path) -> None:
    assert enclosed(value, home) == (value, {})
    assert sent(value, home, tmp_path / "node", Store()) == value


def test_a_file_that_a_node_has_is_used_where_it_lies(home: Path, tmp_path: Path) -> None:
    text, files = enclosed("one.gguf", home)
    store = Store()
    there = unpacked(text, files, referred(store, files), tmp_path / "node", store.get)
    assert there == str(home / "one.gguf")
    assert not store.fetched


def test_another_file_of_the_same_name_and_length_is_not_taken_for_it(
    home: Path, tmp_path: Path
) -> None:
    """Two adapters of one kind have the same length to the byte."""
    text, files = enclosed("one.gguf", home)
    store = Store()
    references = referred(store, files)
    (home / "one.gguf").write_text("one.gguf in rome")
    there = unpacked(text, files, references, tmp_path / "node", store.get)
    assert Path(there).read_text() == "one.gguf at home"
    assert len(store.fetched) == 1
    unpacked(text, files, references, tmp_path / "node", store.get)
    assert len(store.fetched) == 1  # it is here now
