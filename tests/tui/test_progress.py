"""Progress on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlab_tui.lab_progress import LabProgress
from agentlab_tui.progress import ProgressError, ProgressStore


def test_what_was_passed_is_there_for_the_next_session(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path / "progress")
    store.set_seen("m9/tiny", "adder", 1.0)
    store.set_passed("m9/tiny", "why", 2.0)
    store.set_last("m9/tiny", "adder")
    again = ProgressStore(tmp_path / "progress").lab("m9/tiny")
    assert [again.mark(s) for s in ("why", "adder", "quiz")] == ["passed", "seen", "open"]
    assert again.last == "adder"


def test_an_answer_is_kept_as_typed_and_leaves_no_other_file(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path)
    store.save_text("m9/tiny", "adder.toml", "half = ")
    assert store.read_text("m9/tiny", "adder.toml") == "half = "
    assert [p.name for p in (tmp_path / "m9" / "tiny").iterdir()] == ["adder.toml"]
    assert store.read_text("m9/tiny", "other.toml") is None


def test_a_progress_file_that_makes_no_sense_is_kept_aside(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path)
    store.set_passed("m9/tiny", "why", 2.0)
    file = tmp_path / "m9" / "tiny" / "progress.json"
    file.write_text('{"passed": 7')
    assert store.lab("m9/tiny") == LabProgress()
    assert (file.parent / "progress.json.unreadable").read_text() == '{"passed": 7'


def test_a_folder_that_cant_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "progress").write_text("a file is in the way")
    store = ProgressStore(tmp_path / "progress")
    with pytest.raises(ProgressError, match=r"can't be saved: .*AGENTLAB_HOME"):
        store.save_text("m9/tiny", "adder.toml", "x")
    with pytest.raises(ProgressError, match="can't be saved"):
        store.set_passed("m9/tiny", "why", 1.0)


def test_an_answer_that_is_no_text_is_one_clear_line(tmp_path: Path) -> None:
    store = ProgressStore(tmp_path)
    store.save_text("m9/tiny", "adder.toml", "x")
    store.answer_path("m9/tiny", "adder.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ProgressError, match="can't be read"):
        store.read_text("m9/tiny", "adder.toml")
