"""An index follows its folder: new files are read, those that are gone dropped, others left."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from indexing import HashedWords

from agentlab.errors import BackendError, ConfigError
from agentlab_tools.knowledge.index import Index, Progress, open_index
from agentlab_tools.knowledge.ingest import Sizes
from agentlab_tools.knowledge.types import Chunk, Source


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "lamps.md").write_text("# Lamps\n\nA lamp burns oil.\n\n## Gas\n\nGas came later.\n")
    (folder / "deep/bread.txt").write_text("Bread is baked.\n\nIt needs salt.\n")
    return folder


@pytest.fixture
def words() -> HashedWords:
    return HashedWords()


@pytest.fixture
def index(tmp_path: Path, words: HashedWords) -> Iterator[Index]:
    with open_index(tmp_path / "index", embedder=words, create=True) as opened:
        yield opened


def texts(index: Index) -> set[str]:
    return {chunk.text for chunk in index.store.get(index.store.ids())}


def sources(index: Index) -> set[tuple[str, int]]:
    chunks = index.store.get(index.store.ids())
    return {(chunk.source.file, chunk.source.start) for chunk in chunks}


def test_a_folder_is_read_and_can_be_searched(index: Index, docs: Path) -> None:
    report = index.update(docs)
    assert (report.indexed, report.unchanged, report.removed, report.written) == (2, 0, 0, 3)
    assert sources(index) == {
        ("docs/lamps.md", 3),
        ("docs/lamps.md", 7),
        ("docs/deep/bread.txt", 1),
    }
    (best,) = index.store.search(index.embedder.embed(["gas came"])[0], 1)
    assert best.chunk.text == "Gas came later."
    assert best.chunk.source == Source("docs/lamps.md", 7, 7, "Lamps > Gas")
    assert index.path_of(best.chunk.source) == docs / "lamps.md"


def test_what_has_not_changed_is_not_read_again(
    index: Index, docs: Path, words: HashedWords
) -> None:
    index.update(docs)
    before = words.embedded
    os.utime(docs / "lamps.md", (1, 1))  # a new date alone is no change
    report = index.update(docs)
    assert (report.indexed, report.unchanged, report.written) == (0, 2, 0)
    assert words.embedded == before


def test_what_changed_is_replaced_and_what_is_gone_is_dropped(index: Index, docs: Path) -> None:
    index.update(docs)
    (docs / "lamps.md").write_text(
        "# Lamps\n\nA lamp burns oil.\n\n## Wind\n\nWind blows it out.\n"
    )
    (docs / "deep/bread.txt").unlink()
    (docs / "new.md").write_text("Salt is dear.\n")
    report = index.update(docs)
    assert (report.indexed, report.removed, report.written) == (2, 1, 2)
    assert texts(index) == {"A lamp burns oil.", "Wind blows it out.", "Salt is dear."}


def test_another_process_finds_what_was_indexed(tmp_path: Path, docs: Path) -> None:
    with open_index(tmp_path / "i", embedder=HashedWords(), create=True) as first:
        first.update(docs)
    with open_index(tmp_path / "i", embedder=HashedWords()) as second:
        assert len(texts(second)) == 3
        assert second.update(docs).unchanged == 2


def test_a_file_that_became_unreadable_leaves_nothing_stale(index: Index, docs: Path) -> None:
    index.update(docs)
    (docs / "lamps.md").write_bytes(b"\0\1\2")
    report = index.update(docs)
    assert [problem.name for problem in report.problems] == ["lamps.md"]
    assert report.removed == 1
    assert sources(index) == {("docs/deep/bread.txt", 1)}


def test_other_sizes_cut_everything_anew(tmp_path: Path, docs: Path) -> None:
    path = tmp_path / "i"
    with open_index(path, embedder=HashedWords(), create=True) as index:
        index.update(docs)
    with open_index(path, embedder=HashedWords(), sizes=Sizes(16, 0)) as index:
        assert index.update(docs).indexed == 2
    with open_index(path, embedder=HashedWords()) as index:  # the sizes are kept
        assert index.sizes == Sizes(16, 0)
        assert index.update(docs).unchanged == 2


def test_two_folders_share_an_index_and_do_not_disturb_each_other(
    index: Index, docs: Path, tmp_path: Path
) -> None:
    other = tmp_path / "notes"
    other.mkdir()
    (other / "lamps.md").write_text("# Lamps\n\nA lamp burns oil.\n")
    index.update(docs)
    index.update(other)
    (docs / "lamps.md").unlink()
    index.update(docs)
    assert sources(index) == {("notes/lamps.md", 3), ("docs/deep/bread.txt", 1)}


def test_a_second_folder_of_the_same_name_needs_another(
    index: Index, docs: Path, tmp_path: Path
) -> None:
    index.update(docs)
    other = tmp_path / "elsewhere" / "docs"
    other.mkdir(parents=True)
    (other / "a.md").write_text("Other words.\n")
    with pytest.raises(ConfigError, match="--as"):
        index.update(other)
    index.update(other, label="more")
    assert ("more/a.md", 1) in sources(index)


def test_a_folder_that_moved_is_still_the_same(index: Index, docs: Path, tmp_path: Path) -> None:
    index.update(docs)
    moved = docs.rename(tmp_path / "moved")
    assert index.update(moved, label="docs").unchanged == 2
    assert index.path_of(Source("docs/lamps.md", 1, 1)) == moved / "lamps.md"


def test_one_file_can_be_indexed(index: Index, docs: Path) -> None:
    index.update(docs / "lamps.md")
    assert {file for file, _ in sources(index)} == {"lamps.md"}
    assert index.path_of(Source("lamps.md", 1, 1)) == docs / "lamps.md"


def test_passages_of_others_in_the_same_store_are_left_alone(
    index: Index, docs: Path, words: HashedWords
) -> None:
    mine = Chunk("mine", "by hand", Source("nowhere", 1, 1))
    index.store.upsert([mine], words.embed(["by hand"]))
    index.update(docs)
    index.update(docs)
    assert "by hand" in texts(index)


def test_a_folder_that_is_not_there_removes_nothing(index: Index, docs: Path) -> None:
    index.update(docs)
    docs.rename(docs.with_name("away"))
    with pytest.raises(ConfigError, match="is not there"):
        index.update(docs)
    assert len(texts(index)) == 3


def test_passages_lost_from_the_store_are_made_again(index: Index, docs: Path) -> None:
    index.update(docs)
    index.store.delete(index.store.ids({"file": "docs/lamps.md"})[:1])
    report = index.update(docs)
    assert (report.indexed, report.written) == (1, 1)
    assert len(texts(index)) == 3


def test_an_embedder_that_fails_leaves_what_was_done(tmp_path: Path, docs: Path) -> None:
    class Failing(HashedWords):
        def embed(self, texts: Sequence[str]) -> Any:
            if self.embedded >= 2:
                raise BackendError("gone")
            return super().embed(texts)

    path = tmp_path / "i"
    with open_index(path, embedder=Failing(), create=True) as index:
        with pytest.raises(BackendError):
            index.update(docs, batch=2)
        assert index.store.count() == 2
    again = HashedWords()
    with open_index(path, embedder=again) as index:
        index.update(docs)
        assert index.store.count() == 3
    assert again.embedded == 1  # the two that were stored are not made again


def test_only_one_process_writes(index: Index, docs: Path) -> None:
    def again(_: Progress) -> None:
        with pytest.raises(ConfigError, match="another process"):
            index.update(docs)

    index.update(docs, progress=again)


def test_an_index_of_another_embedder_is_refused(tmp_path: Path, docs: Path) -> None:
    with open_index(tmp_path / "i", embedder=HashedWords(), create=True) as index:
        index.update(docs)
    with pytest.raises(ConfigError, match="other"):
        open_index(tmp_path / "i", embedder=HashedWords("other"))


def test_where_there_is_no_index_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="agentlab index"):
        open_index(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_index_that_could_not_be_made_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_index(tmp_path / "i", embedder="nobody:model", create=True)
    with pytest.raises(ConfigError, match="there is no index"):
        open_index(tmp_path / "i")


def test_an_index_that_may_only_be_read_is_searched_but_not_written(
    tmp_path: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "i"
    with open_index(path, embedder=HashedWords(), store="duckdb", create=True) as index:
        index.update(docs)
    with open_index(path, embedder=HashedWords()) as index:
        # a folder on a disk that may not be written; root may write any other
        monkeypatch.setattr(os, "open", _refuse)
        with pytest.raises(ConfigError, match="can't be written"):
            index.update(docs)
        assert len(texts(index)) == 3


def _refuse(*_: object) -> int:
    raise PermissionError(13, "Permission denied")


def test_a_damaged_list_of_files_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "agentlab.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match="damaged"):
        open_index(tmp_path)


def test_progress_is_told_to_the_end(index: Index, docs: Path) -> None:
    told: list[Progress] = []
    index.update(docs, progress=told.append)
    assert (told[-1].files, told[-1].of, told[-1].written) == (2, 2, 3)


@pytest.mark.parametrize("kind", ["faiss", "duckdb"])
def test_every_store_can_be_an_index(tmp_path: Path, docs: Path, kind: Any) -> None:
    path = tmp_path / "i"
    with open_index(path, embedder=HashedWords(), store=kind, create=True) as index:
        index.update(docs)
    (docs / "lamps.md").unlink()
    with open_index(path, embedder=HashedWords()) as index:
        assert index.update(docs).removed == 1
        assert texts(index) == {"Bread is baked.\n\nIt needs salt."}


def bad_files(folder: Path) -> dict[str, str]:
    """Everything that can be wrong with a file, and the words it is reported with."""
    (folder / "empty.md").touch()
    (folder / "binary.md").write_bytes(os.urandom(4096))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n" + os.urandom(2000))
    (folder / "blank.txt").write_text(" \n" * 50)
    (folder / "oneline.txt").write_bytes(b"word " * 200_000)
    with (folder / "huge.txt").open("wb") as file:  # 50 MB in one line, sparse
        file.truncate(50_000_000)
    (folder / "half.txt").write_bytes("wörter".encode("utf-16")[:-1])
    (folder / "self.md").symlink_to(folder / "self.md")
    (folder / "ring").symlink_to(folder)
    (folder / "outside.md").symlink_to("/etc/hostname")
    (folder / "nowhere.md").symlink_to(folder / "gone.md")
    os.mkfifo(folder / "pipe.md")
    if os.geteuid() == 0:
        os.mknod(folder / "zero.md", 0o600 | 0o020000, os.makedev(1, 5))
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(folder / "socket.md"))
    (folder / "table.csv").write_text("only,names\n")
    (folder / "nested.ipynb").write_text("[" * 100_000)
    (folder / b"odd\xff.md".decode("utf-8", "surrogateescape")).write_bytes(os.urandom(4096))
    return {
        "binary.md": "binary",
        "broken.pdf": "not a PDF",
        "oneline.txt": "line 1 has 1,000,000 characters",
        "huge.txt": "50.0 MB, over the limit of 20.0 MB",
        "half.txt": "utf-16",
        "self.md": "leads",
        "ring": "a folder above it",
        "outside.md": "outside the folder",
        "nowhere.md": "leads nowhere",
        "pipe.md": "not a plain file",
        "socket.md": "not a plain file",
        "table.csv": "without rows",
        "nested.ipynb": "not a notebook",
        "odd\\xff.md": "binary",
        **({"zero.md": "not a plain file"} if os.geteuid() == 0 else {}),
    }


def test_bad_files_are_told_in_one_list_and_stop_nothing(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(docs)  # a socket's path must be short
    expected = bad_files(docs)
    report = index.update(docs)
    found = {problem.name: problem.reason for problem in report.problems}
    assert set(found) == set(expected)
    for name, reason in expected.items():
        assert reason in found[name], name
    assert report.passed_over == {"empty": 2}
    assert (report.indexed, report.written) == (2, 3)
    assert index.update(docs).unchanged == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become somebody who may not read")
def test_what_may_not_be_read_is_told_and_what_was_known_of_it_stays() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "docs"
        locked = folder / "locked"
        locked.mkdir(parents=True)
        for file in (folder / "open.md", folder / "shut.md", locked / "in.md"):
            file.write_text(f"Words of {file.name}.\n")
        with open_index(Path(name) / "i", embedder=HashedWords(), create=True) as index:
            index.update(folder)
            for path, mode in ((Path(name), 0o755), (folder / "shut.md", 0), (locked, 0)):
                path.chmod(mode)
            for path in (Path(name) / "i", *(Path(name) / "i").rglob("*")):
                path.chmod(0o777)
            os.seteuid(65534)
            try:
                (problem_folder, problem_file) = index.update(folder).problems
            finally:
                os.seteuid(0)
            assert (problem_folder.name, problem_folder.reason) == ("locked", "permission denied")
            assert (problem_file.name, problem_file.reason) == ("shut.md", "permission denied")
            assert len(texts(index)) == 3


def test_a_file_that_moved_is_not_embedded_again(
    index: Index, docs: Path, words: HashedWords
) -> None:
    index.update(docs)
    before = words.embedded
    (docs / "deep/bread.txt").rename(docs / "loaf.txt")
    report = index.update(docs)
    assert (report.indexed, report.moved, report.removed) == (1, 1, 1)
    assert words.embedded == before
    assert ("docs/loaf.txt", 1) in sources(index)
    assert ("docs/deep/bread.txt", 1) not in sources(index)
    (best,) = index.store.search(words.embed(["bread is baked"])[0], 1)
    assert best.chunk.source.file == "docs/loaf.txt"


def test_a_file_whose_words_are_cut_otherwise_is_embedded_for_what_it_is(
    index: Index, docs: Path, words: HashedWords
) -> None:
    index.update(docs)
    (docs / "lamps.md").rename(docs / "lamps.txt")  # no headings in plain text
    report = index.update(docs)
    assert report.moved == 0
    assert report.written > 0


def test_a_folder_that_was_renamed_takes_its_own_place(
    index: Index, docs: Path, words: HashedWords
) -> None:
    index.update(docs)
    before = words.embedded
    papers = docs.rename(docs.with_name("papers"))
    report = index.update(papers)
    assert words.embedded == before
    assert report.moved == 2
    assert {file.partition("/")[0] for file, _ in sources(index)} == {"papers"}
    assert list(index.roots) == ["papers"]
    assert [note.name for note in report.notes] == ["docs"]


def test_a_folder_that_is_gone_stays_until_it_is_taken_out(
    index: Index, docs: Path, tmp_path: Path
) -> None:
    index.update(docs)
    other = tmp_path / "other"
    other.mkdir()
    (other / "salt.txt").write_text("Salt is dug from the ground.\n")
    docs.rename(tmp_path / "away")
    index.update(other)
    assert list(index.missing) == ["docs"]
    assert index.remove("docs") == 2
    assert {file for file, _ in sources(index)} == {"other/salt.txt"}
    assert (index.files, list(index.roots)) == (1, ["other"])
    with pytest.raises(ConfigError, match=r"'docs' is not in the index .* it has: other"):
        index.remove("docs")


def test_what_two_folders_share_stays_when_one_is_taken_out(
    index: Index, docs: Path, tmp_path: Path
) -> None:
    index.update(docs)
    index.update(docs, label="again")
    index.remove("docs")
    assert {file for file, _ in sources(index)} == {"again/lamps.md", "again/deep/bread.txt"}


def test_an_empty_file_is_no_failure(index: Index, docs: Path) -> None:
    (docs / "__init__.py").write_text("")
    (docs / "blank.md").write_text("\n\n")
    report = index.update(docs)
    assert report.problems == ()
    assert report.passed_over == {"empty": 2}
