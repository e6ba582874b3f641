"""Runs by name: what finds one, and what is said where none or several are found."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from conversation import load

from agentlab import Agent
from agentlab.backends.scripted import Scripted
from agentlab.errors import TraceError
from agentlab.trace import find_run, new_run_id, runs_in


@pytest.fixture
def three(runs):
    """The paths of three runs, oldest first."""
    for _ in range(3):
        made(runs, "?")
    return sorted(runs.glob("*.jsonl"))


def made(runs: Path, question: str, **options: Any) -> Any:
    """The result of a run, whose trace is in that folder."""
    agent = Agent(backend=Scripted(["a"]), runs=runs, instructions="Be brief.")
    return agent.run_sync(question, **options)


def test_names_sort_by_the_moment_they_were_made_and_say_it():
    before = time.time()
    name = new_run_id()
    stamp = re.fullmatch(r"(\d{8}-\d{6})-(\d{3})[0-9a-f]{8}", name)
    assert stamp is not None
    moment = time.strptime(stamp[1], "%Y%m%d-%H%M%S")
    assert int(before) <= int(time.mktime(moment) - time.timezone) <= time.time()
    assert 0 <= int(stamp[2]) <= 999
    later = []
    for _ in range(5):
        time.sleep(0.002)
        later.append(new_run_id())
    assert sorted(later) == later


def test_the_newest_comes_first(runs, three):
    (runs / "notes.txt").write_text("no run")
    assert list(runs_in(runs)) == three[::-1]
    assert list(runs_in(runs / "nowhere")) == []


def test_a_run_is_found_by_path_name_beginning_or_age(runs, three, tmp_path):
    oldest, _, newest = three
    assert find_run(tmp_path, str(oldest)) == oldest
    assert find_run(runs, oldest.stem) == oldest
    assert find_run(runs, oldest.stem[:-1]) == oldest
    assert find_run(runs, "last") == find_run(runs, "last~0") == newest
    assert find_run(runs, "last~2") == oldest


def test_a_whole_name_is_found_beside_one_that_begins_with_it(runs, three):
    longer = three[0].with_name(f"{three[0].stem}-copy.jsonl")
    longer.write_bytes(three[0].read_bytes())
    assert find_run(runs, three[0].stem) == three[0]
    assert find_run(runs, longer.stem) == longer


def test_what_is_no_trace_file_is_a_name(runs, three, tmp_path, monkeypatch):
    """A file of that name here, of another kind, says nothing of the run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / three[0].stem).write_text("notes")
    assert find_run(runs, three[0].stem) == three[0]


@pytest.mark.parametrize("name", ["nothing", "last~3", "last~", "last~9999999"])
def test_a_run_that_is_not_there_is_told_with_the_folder(runs, three, name):
    why = f"no run {name!r} in {runs}: `agentlab traces` lists those there are"
    with pytest.raises(TraceError, match=f"^{re.escape(why)}$"):
        find_run(runs, name)


def test_a_beginning_of_several_names_the_first_and_the_last(runs, three):
    why = f"'2' names 3 runs: {three[0].stem}, {three[2].stem}, …"
    with pytest.raises(TraceError, match=f"^{re.escape(why)}$"):
        find_run(runs, "2")


def test_an_empty_folder_is_told_with_where_there_are_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TraceError, match=r"no runs in .*names another folder$"):
        find_run(tmp_path / "home", "last")
    made(tmp_path / "runs", "?")
    with pytest.raises(TraceError, match=rf"; there are some in {tmp_path}/runs: add --runs"):
        find_run(tmp_path / "home", "last")
    for run in runs_in(tmp_path / "runs"):
        run.unlink()
    with pytest.raises(TraceError, match=r"names another folder$"):
        find_run(tmp_path / "runs", "last")


def test_the_question_of_a_run_is_the_last_thing_the_user_said(runs):
    first = made(runs, "one?")
    assert load(first.path).question == "one?"
    second = made(runs, "two?", history=first.messages)
    assert load(second.path).question == "two?"
    lines = second.path.read_bytes().splitlines(keepends=True)
    second.path.write_bytes(lines[0])
    assert load(second.path).question == ""
