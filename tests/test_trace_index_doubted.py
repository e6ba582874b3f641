"""What stands in the place of an index is believed only if it is one, and is this user's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agentlab import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import TraceError
from agentlab.trace import index, query, stamps
from agentlab.trace.query import queries

SQL = ("SELECT agent, steps FROM runs", "SELECT kind, event->>'outcome' FROM events ORDER BY ALL")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder has an index, and files are taken in as soon as they are written."""
    monkeypatch.setattr(query, "SMALL", 0)
    monkeypatch.setattr(stamps, "QUIET", 0)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a run and its index."""
    folder = tmp_path / "runs"
    Agent(backend=Scripted(["5"]), runs=folder).run_sync("2 + 3?")
    ask(folder)
    return folder


def ask(folder: Path) -> Any:
    rows = [table[1] for table in queries(folder, SQL)]
    assert rows == [
        [("agent", 1)],
        [("model_replied", None), ("run_finished", "completed"), ("run_started", None)],
    ]


def index_in(folder: Path) -> Path:
    (path,) = (folder / ".index").glob("*.duckdb")
    return path


def used(folder: Path) -> bool:
    with duckdb.connect(":memory:") as db:
        return index.find(db, folder) is not None


def zeroed(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def garbled(path: Path) -> None:
    path.write_bytes(b"no index " * 5000)


def spoilt(path: Path) -> None:
    """One bit in each block, whatever is in it."""
    data = bytearray(path.read_bytes())
    for place in range(4096 * 3 + 100, len(data), 4096):
        data[place] ^= 1
    path.write_bytes(data)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("damage", [zeroed, halved, garbled, spoilt, a_folder, a_link])
def test_a_damaged_index_is_written_anew(runs: Path, damage: Callable[[Path], None]) -> None:
    damage(index_in(runs))
    ask(runs)
    ask(runs)
    assert used(runs) or damage is spoilt


def test_an_index_of_another_version_is_written_anew(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = index_in(runs)
    monkeypatch.setattr(index, "version", lambda: "of-another-version")
    assert not used(runs)
    ask(runs)
    assert used(runs)
    assert index_in(runs) != old  # and the old one is gone


def test_an_index_that_lies_is_not_believed_elsewhere(runs: Path, tmp_path: Path) -> None:
    """Whoever sends a folder may send an index with it."""
    path = index_in(runs)
    with duckdb.connect(str(path)) as db:
        db.execute("UPDATE tallies SET agent = 'liar'")
    with pytest.raises(AssertionError, match="liar"):
        ask(runs)
    there = tmp_path / "there"
    shutil.copytree(runs, there)
    assert not used(there)
    ask(there)
    shutil.rmtree(runs)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners here")
def test_an_index_that_others_may_write_is_not_believed(runs: Path) -> None:
    for path, mode in ((index_in(runs), 0o622), (runs / ".index", 0o777)):
        path.chmod(mode)
        assert not used(runs)
        ask(runs)
        if path.exists():
            path.chmod(0o700)


def test_what_is_written_is_for_this_user_alone(runs: Path) -> None:
    (runs / ".index" / "part-killed").mkdir()
    Agent(backend=Scripted(["5"]), runs=runs).run_sync("2 + 3?")
    queries(runs, SQL)
    modes = {path.name: path.stat().st_mode & 0o777 for path in runs.glob(".index/*")}
    assert modes == {"lock": 0o600, index_in(runs).name: 0o600}
    assert (runs / ".index").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("what", ["a file", "a link", "a link to nothing", "a linked lock"])
def test_where_no_index_can_be_the_files_answer(runs: Path, tmp_path: Path, what: str) -> None:
    shutil.rmtree(runs / ".index")
    there = tmp_path / "there"
    if what == "a file":
        (runs / ".index").write_bytes(b"mine")
    elif what == "a linked lock":
        (runs / ".index").mkdir()
        (runs / ".index" / "lock").symlink_to(there)
    else:
        (runs / ".index").symlink_to(there)
        if what == "a link":
            there.mkdir()
    ask(runs)
    assert not used(runs)
    assert not there.exists() or not [*there.iterdir()]
    assert what != "a file" or (runs / ".index").read_bytes() == b"mine"


HOLDING = """
import sys, fcntl, time, duckdb
what, path = sys.argv[1:]
if what == "index":
    held = duckdb.connect(path)
else:
    held = open(path, "ab")
    fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks of another kind")
@pytest.mark.parametrize("what", ["index", "lock"])
def test_what_another_process_holds_keeps_nobody_waiting(runs: Path, what: str) -> None:
    path = index_in(runs)
    if what == "lock":
        path.unlink()
        path = runs / ".index" / "lock"
    command = [sys.executable, "-c", HOLDING, what, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert not used(runs)
        ask(runs)
        assert used(runs) == (what == "index")  # which was written anew beside it
        other.communicate(b"")
    ask(runs)
    assert used(runs)


ASKING = """
import sys
from pathlib import Path
from agentlab.trace import query, stamps
query.SMALL = stamps.QUIET = 0
print("ready", flush=True)
sys.stdin.readline()
for _ in range(5):
    print(query.query(Path(sys.argv[1]), "SELECT count(*), sum(steps) FROM runs")[1][0])
"""


def test_processes_that_ask_at_once_are_all_told_right(runs: Path) -> None:
    shutil.rmtree(runs / ".index")
    for _ in range(40):
        Agent(backend=Scripted(["5"]), runs=runs).run_sync("2 + 3?")
    command = [sys.executable, "-c", ASKING, str(runs)]
    others = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for other in others:
        assert other.stdout is not None
        other.stdout.readline()
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    said = [other.communicate()[0] for other in others]
    assert said == ["(41, 41)\n" * 5] * 3
    assert used(runs)


REFUSED = (
    "COPY (SELECT 1) TO '{index}'",
    "COPY (SELECT 1) TO '{index}.wal'",
    "COPY (SELECT 1) TO '{folder}/new.csv'",
    "ATTACH '{index}' AS mine",
    "INSERT INTO kept.stamps VALUES ('x')",
    "DELETE FROM kept.tallies",
    "DROP TABLE kept.moments",
    "CREATE TABLE kept.mine AS SELECT 1",
    "UPDATE kept.tallies SET agent = 'liar'",
    "SET enable_external_access = true",
    "SET disabled_filesystems = ''",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{index}')",
    "SELECT line_at(7, 0)",
    "SELECT line_at(-9, 0)",
    "EXPORT DATABASE '{folder}/out'",
    "SELECT nonsense FROM runs",
)


@pytest.mark.parametrize("sql", REFUSED)
def test_a_query_can_change_nothing(runs: Path, sql: str) -> None:
    before = index_in(runs).read_bytes()
    listed = sorted(runs.iterdir())
    with pytest.raises(TraceError, match="refused"):
        queries(runs, [sql.format(index=index_in(runs), folder=runs)])
    assert index_in(runs).read_bytes() == before
    assert sorted(runs.iterdir()) == listed
    ask(runs)


def test_a_query_may_make_what_ends_with_it(runs: Path) -> None:
    made = ["CREATE TEMP TABLE mine AS SELECT run FROM runs", "SELECT count(*) FROM mine"]
    assert queries(runs, made)[1][1] == [(1,)]


@pytest.mark.parametrize("sql", ["SELECT event FROM events", "SELECT TRY(event) FROM events"])
def test_a_file_that_changes_as_it_is_asked_about_is_read_again(
    runs: Path, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = stamps.stamped(runs)
    (path,) = runs.glob("*.jsonl")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\n") + 1] + b'{"seq":0,"at":1,"event":{"kind":"new"}}\n')
    monkeypatch.setattr(query, "stamped", lambda _: seen)
    assert queries(runs, [sql])[0][1] == [('{"kind":"new"}',)]


def test_a_file_that_was_just_written_waits(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next change might come within the same tick of the clock."""
    shutil.rmtree(runs / ".index")
    monkeypatch.setattr(stamps, "QUIET", 3600)
    ask(runs)
    with duckdb.connect(str(index_in(runs)), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM tallies").fetchall() == [(0,)]


def test_a_small_folder_has_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    Agent(backend=Scripted(["5"]), runs=tmp_path).run_sync("2 + 3?")
    ask(tmp_path)
    assert not (tmp_path / ".index").exists()
